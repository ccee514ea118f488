/* nearest.h - the known word that a misspelt one was probably meant to be
 *
 * Pure.
 */
#ifndef KWOTA_NEAREST_H
#define KWOTA_NEAREST_H

/* The one of `words` (NULL at its end) that `word` is nearest to, or NULL if it is near
 * to none. Letters' case counts for nothing; a word cut short ("map_stale") is near to
 * the whole one. */
const char *nearest_word(const char *word, const char *const *words);

#endif
