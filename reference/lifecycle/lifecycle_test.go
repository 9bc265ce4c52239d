package lifecycle

import "testing"

func TestTable(t *testing.T) {
	cases := []struct {
		from State
		on   Event
		to   State
	}{
		{Starting, MarkerAbsent, Running},
		{Starting, MarkerPresent, Draining},
		{Starting, Terminate, Stopping},
		{Running, MarkerAbsent, Running},
		{Running, MarkerPresent, Draining},
		{Running, Terminate, Stopping},
		{Draining, MarkerAbsent, Running},
		{Draining, MarkerPresent, Draining},
		{Draining, Terminate, Stopping},
		{Stopping, MarkerAbsent, Stopping},
		{Stopping, MarkerPresent, Stopping},
		{Stopping, Terminate, Stopping},
		{Stopping, Ended, Stopped},
		{Running, Ended, Stopped},
		{Stopped, MarkerAbsent, Stopped},
		{Stopped, MarkerPresent, Stopped},
		{Stopped, Terminate, Stopped},
		{Running, Event(99), Running},
		{State("odd"), MarkerAbsent, State("odd")},
	}
	for _, c := range cases {
		if got := Next(c.from, c.on); got != c.to {
			t.Errorf("%s on %d: got %s, want %s", c.from, c.on, got, c.to)
		}
	}
}

// From a shutdown no sequence of events leads back (STATE-007), and no event is
// an end but the end itself (STATE-008).
func TestRules(t *testing.T) {
	events := []Event{MarkerAbsent, MarkerPresent, Terminate, Ended}
	for _, from := range States() {
		for _, event := range events {
			to := Next(from, event)
			if !to.Known() {
				t.Errorf("%s on %d leads nowhere: %q", from, event, to)
			}
			if (from == Stopping || from == Stopped) && to != Stopping && to != Stopped {
				t.Errorf("%s on %d leads back to %s", from, event, to)
			}
			if to == Stopped && from != Stopped && event != Ended {
				t.Errorf("%s on %d ends the gateway", from, event)
			}
			if to == Starting && from != Starting {
				t.Errorf("%s on %d starts again", from, event)
			}
			if again := Next(to, event); again != to {
				t.Errorf("%s on %d twice: %s, then %s", from, event, to, again)
			}
		}
		if from.Admits() != (from == Running) {
			t.Errorf("%s admits: %t", from, from.Admits())
		}
	}
}
