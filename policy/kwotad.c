/* kwotad - decides and remembers: runs, settlement, ledger, HTTP API */
