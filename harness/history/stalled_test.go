package history

import (
	"testing"
	"time"
)

func TestStalls(t *testing.T) {
	at := func(kind Kind, from, to Stamp) Event {
		return Event{Kind: kind, Call: from, Return: to}
	}
	stall := func(from, to, late Stamp) Event {
		e := at(KindStall, from, to)
		e.Stall = &Stall{Late: time.Duration(late)}
		return e
	}
	events := []Event{
		at(KindHeader, 0, 0), at(KindStep, 100, 100),
		stall(150, 200, 50), stall(150, 250, 100), // told again as it grew
		stall(240, 260, 20), stall(300, 310, 10),
		stall(400, 600, 30), stall(590, 610, 20), // let run for most of a stretch
		at(KindStep, 1100, 1100), at(KindOutcome, 9000, 9000),
	}
	if all, lost := Stalled(events); all != 1000 || lost != 160 {
		t.Errorf("%d of %d", lost, all)
	}
	if all, lost := Stalled(events[:1]); all != 0 || lost != 0 {
		t.Errorf("%d of %d in nothing", lost, all)
	}
}
