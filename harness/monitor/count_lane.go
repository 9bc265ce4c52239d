package monitor

import (
	"fmt"
	"slices"
)

// lane is what readings tell of one way in.
type lane struct {
	counted int // readings that counted all of its turns
	missed  int // most of its turns at once that a draining reading with 0 left out
	proof   *Read
}

// judgeEveryLane is COUNT-005: no way in is forgotten. It accuses only when a gateway
// that counts turns elsewhere never counted one of an ingress, and left out two of them
// at once: a count that is merely too low, or follows late, is COUNT-001's and
// COUNT-003's.
func judgeEveryLane(v *View, r *ruling) {
	flights := map[string][]flight{}
	for _, t := range v.Turns {
		if from, delivery, _, ok := v.certain(t); ok && t.Ingress != "" && delivery > from {
			flights[t.Ingress] = append(flights[t.Ingress], flight{from, delivery})
		}
	}
	var names []string
	for name := range flights {
		names = append(names, name)
	}
	slices.Sort(names)
	lanes := map[string]*lane{}
	for _, name := range names {
		lanes[name] = &lane{}
	}
	for _, p := range v.Publications {
		v.readLanes(p, names, flights, lanes, r)
	}
	for _, name := range names {
		others := slices.ContainsFunc(names, func(o string) bool { return o != name && lanes[o].counted > 0 })
		l := lanes[name]
		if l.missed < 2 || l.counted > 0 || !others {
			continue
		}
		r.violation(l.proof.Event.Return,
			"turns are counted on every way in by which one can start",
			fmt.Sprintf("%s shows %s with 0 while %s in flight on %s for certain, none of which was ever counted; turns on other ingresses are", l.proof.State.Publication, l.proof.State.State, turnsWere(l.missed), name),
			append(v.witnessesAt(l.proof), l.proof.Event)...)
	}
}

// readLanes goes through the readings of one publication that say something of turns
// in flight.
func (v *View) readLanes(p *Publication, names []string, flights map[string][]flight, lanes map[string]*lane, r *ruling) {
	counters := map[string]*counter{}
	for _, name := range names {
		counters[name] = newCounter(flights[name])
	}
	for _, u := range v.misses {
		if u.read.State.Publication != p.Name || u.first != nil {
			continue
		}
		sum := 0
		here := map[string]int{}
		for _, name := range names {
			if n := counters[name].throughout(u.read.Event.Call, u.read.Event.Return); n > 0 {
				here[name] = n
				sum += n
			}
		}
		exact := u.read.State.Count >= sum && v.flights.possibly(u.read.Event.Call, u.read.Event.Return) == sum
		none := u.spell != nil && !u.atEntry && u.read.State.Count == 0
		for name, n := range here {
			l := lanes[name]
			switch {
			case exact:
				r.arises()
				l.counted++
			case none && n > l.missed:
				r.arises()
				l.missed, l.proof = n, u.read
			}
		}
	}
}
