package history

import "testing"

func TestStalls(t *testing.T) {
	at := func(kind Kind, from, to Stamp) Event {
		return Event{Kind: kind, Call: from, Return: to}
	}
	events := []Event{
		at(KindHeader, 0, 0), at(KindStep, 100, 100),
		at(KindStall, 150, 200), at(KindStall, 150, 250), // told again as it grew
		at(KindStall, 240, 260), at(KindStall, 300, 310),
		at(KindStep, 1100, 1100), at(KindOutcome, 9000, 9000),
	}
	if all, lost := Stalled(events); all != 1000 || lost != 120 {
		t.Errorf("%d of %d", lost, all)
	}
	if all, lost := Stalled(events[:1]); all != 0 || lost != 0 {
		t.Errorf("%d of %d in nothing", lost, all)
	}
}
