# steered_work.pl - the work of one job on the private cluster: done when the plant says so
#
# usage: perl steered_work.pl SOCKET gpu SECONDS MW SHAPE DUTY
#        perl steered_work.pl SOCKET cpu SECONDS 0 SHAPE DUTY
#
# gpu: so many seconds at full speed on each of the job's GPUs, which draw MW milliwatts
# each above idle on average, and DUTY percent of a core beside it. cpu: so many seconds
# of CPU time, at DUTY percent of a core. SHAPE is steady, bursty or rising: power by the
# clock, or by what is done.
use strict;
use warnings;
use IO::Socket::UNIX;
use Time::HiRes qw(time sleep);

use constant STEP_S => 0.25;
use constant BURST_S => 4;

my ($socket, $kind, $seconds, $mw, $shape, $duty) = @ARGV;
my $job = $ENV{SLURM_JOB_ID};
my $gpus = () = ($ENV{SLURM_JOB_GPUS} // '') =~ /\d+/g;

sub plant {
    my $plant = IO::Socket::UNIX->new(Peer => $socket) or return '';
    print $plant "$_[0]\n";
    $plant->flush;
    local $/;
    return <$plant> // '';
}

# The part of the work that is done, by the plant's truth.
sub done {
    my ($ns) = plant("work $job") =~ ($kind eq 'gpu' ? qr/"gpu_work_ns":(\d+)/ : qr/"cpu_ns":(\d+)/);
    return ($ns // 0) / 1e9 / ($kind eq 'gpu' ? $gpus : 1) / $seconds;
}

sub factor {
    my ($done) = @_;
    return int(time / BURST_S) % 2 ? 1.4 : 0.6 if $shape eq 'bursty';
    return 0.8 + 0.4 * $done if $shape eq 'rising';
    return 1;
}

# What its user would write a checkpoint at.
$| = 1;
$SIG{USR1} = sub { print "warned by a signal\n" };

my $asked = -1;
for (my $done = done(); $done < 1; $done = done()) {
    my $factor = factor($done);
    my $now = int($mw * $factor);
    my $busy = time + STEP_S * $duty / 100 * ($kind eq 'cpu' ? $factor : 1);
    if ($kind eq 'gpu' && $now != $asked) {
        plant("set $job -1 $now 100");
        $asked = $now;
    }
    1 while time < $busy;
    sleep(STEP_S * (1 - $duty / 100));
}
