package monitor

import (
	"github.com/drainproof/drainproof/harness/history"
)

// lag follows readings of `running` that show too little, and tells when the same
// turns have been missing for longer than the grace.
type lag struct {
	v        *View
	run      []*Read // readings that all show too little
	from     int     // where the stretch of Grace bounds begins
	most     []int   // indices of readings whose counts fall, all in the stretch: the first is its highest
	inFlight *tally
	told     bool

	// A file with the same identity was not written in between, so one reading can
	// speak for all the time since the first that showed it.
	file         *Read
	fileInFlight *tally
}

func (v *View) newLag() *lag {
	return &lag{v: v, inFlight: v.flights.newTally(), fileInFlight: v.flights.newTally()}
}

// read takes note of every reading, whatever it shows.
func (l *lag) read(r *Read) {
	if l.file == nil || r.State.Version == "" || l.file.State.Version != r.State.Version || l.file.Life != r.Life {
		l.file = r
	}
}

func (l *lag) reset() {
	l.run, l.most, l.from, l.told = l.run[:0], l.most[:0], 0, false
}

// missing is an undercount that has lasted.
type missing struct {
	witnesses
	since *Read
}

// persists adds a reading that shows too little and says whether the same turns
// have been missing for longer than the grace; it says so once per run.
func (l *lag) persists(r *Read) (missing, bool) {
	if n := len(l.run); n > 0 && l.run[n-1].Life != r.Life {
		l.reset()
	}
	if l.told {
		return missing{}, false
	}
	m, ok := l.inReadings(r)
	if !ok {
		m, ok = l.inFile(r)
	}
	l.told = ok
	return m, ok
}

// inReadings looks at the latest stretch of readings that is long enough.
func (l *lag) inReadings(r *Read) (missing, bool) {
	for n := len(l.most); n > 0 && l.run[l.most[n-1]].State.Count <= r.State.Count; n-- {
		l.most = l.most[:n-1]
	}
	l.most = append(l.most, len(l.run))
	l.run = append(l.run, r)
	for l.from+1 < len(l.run) && l.v.waited(l.run[l.from+1].Event.Return, r.Event.Call) > l.v.Grace {
		l.from++
	}
	first := l.run[l.from]
	if l.v.waited(first.Event.Return, r.Event.Call) <= l.v.Grace {
		return missing{}, false
	}
	for l.most[0] < l.from {
		l.most = l.most[1:]
	}
	most := l.run[l.most[0]].State.Count
	return l.compare(l.inFlight, first.Event.Call, first, r, most)
}

// inFile looks at the last Grace bounds of a file nobody has written meanwhile.
func (l *lag) inFile(r *Read) (missing, bool) {
	from := r.Event.Call.Add(-l.v.Grace - 1)
	if l.file == nil || l.file == r || l.file.Event.Return > from || l.v.frozen(from, r.Event.Return) {
		return missing{}, false
	}
	return l.compare(l.fileInFlight, from, l.file, r, r.State.Count)
}

func (l *lag) compare(inFlight *tally, from history.Stamp, since, r *Read, most int) (missing, bool) {
	m := missing{witnesses: inFlight.throughout(from, r.Event.Return), since: since}
	if most >= m.all {
		return missing{}, false
	}
	return m, true
}
