package e2e_test

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// A merge ends within 40 minutes. What a machine is too slow for is left out, and
// ./scripts/test lists it as skipped.
const (
	testsUntil = 37 * time.Minute  // after the tests began all of them must have ended
	afterE2E   = 320 * time.Second // what the packages after this one take on a usual machine
	usualGate  = 12 * time.Second  // what ./scripts/gate takes there: two cores that have nothing else to do
	tooSlow    = 1.7               // by how much a machine may be slower and still run what takes longest
)

// gateTook is how long ./scripts/gate took, which tells how fast the machine is.
var gateTook time.Duration

func slowness() float64 { return max(1, float64(gateTook)/float64(usualGate)) }

// here is how long something takes on this machine that takes so long on a usual one.
func here(usual time.Duration) time.Duration { return time.Duration(slowness() * float64(usual)) }

// timeLeft is what the tests of this package may still take. The packages after it wait
// as much as they compute, so that half of them is slower on a slow machine.
func timeLeft(t *testing.T) time.Duration {
	t.Helper()
	return testsUntil - sinceTestsBegan(t) - (afterE2E+here(afterE2E))/2
}

// needTime leaves a test out that takes so long on a usual machine, where it would keep
// this merge from ending in time.
func needTime(t *testing.T, usual time.Duration) {
	t.Helper()
	if left := timeLeft(t); here(usual) > left {
		t.Skipf("it takes %s on this machine, and the tests may take %s more", here(usual).Round(time.Second), left.Round(time.Second))
	}
}

// sinceTestsBegan is how long ago ./scripts/test was started, or 0 without it.
func sinceTestsBegan(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("DRAINPROOF_TESTS_BEGAN") // in seconds since 1970
	if text == "" {
		return 0
	}
	at, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("DRAINPROOF_TESTS_BEGAN: %v", err)
	}
	return time.Since(time.Unix(at, 0))
}
