package probe

import "time"

// usualBound is the observation bound of whoever names none.
const usualBound = 2 * time.Second

// scale is how finely the probe tells what it sees: what is too short to matter to one
// bound decides about another.
type scale struct {
	// record is how often a value is recorded that does not change: fine enough to
	// show that it held for B where a spec waited for a little more than B.
	record time.Duration
	// starved is the least that is told of a gateway that had to wait for a processor or
	// a disk: for less it cannot miss its bound.
	starved time.Duration
}

func scaleFor(bound time.Duration) scale {
	if bound <= 0 {
		bound = usualBound
	}
	return scale{record: min(100*time.Millisecond, bound/20), starved: bound / 4}
}
