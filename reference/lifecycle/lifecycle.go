package lifecycle

// State is the gateway's published state.
type State string

// The states, as published.
const (
	Starting State = "starting" // the marker has not been looked at yet; nothing is admitted
	Running  State = "running"  // turns are admitted
	Draining State = "draining" // external drain: turns finish, none is admitted, reversible
	Stopping State = "stopping" // shutdown drain: turns finish, none is admitted, final
	Stopped  State = "stopped"  // the process is about to be gone
)

// Event is something that may change the state.
type Event int

// The events.
const (
	MarkerAbsent  Event = iota // a look found no marker
	MarkerPresent              // a look found a marker
	Terminate                  // a signal asked for the end
	Ended                      // all work is over; the last event there is
)

// States lists every state, in the order of a life.
func States() []State { return []State{Starting, Running, Draining, Stopping, Stopped} }

// next holds one row per state, one column per event.
var next = map[State][4]State{
	//         absent    present   terminate ended
	Starting: {Running, Draining, Stopping, Stopped},
	Running:  {Running, Draining, Stopping, Stopped},
	Draining: {Running, Draining, Stopping, Stopped},
	Stopping: {Stopping, Stopping, Stopping, Stopped},
	Stopped:  {Stopped, Stopped, Stopped, Stopped},
}

// Next returns the state that follows; the same state when the event changes
// nothing.
func Next(state State, event Event) State {
	row, known := next[state]
	if !known || event < 0 || int(event) >= len(row) {
		return state
	}
	return row[event]
}

// Admits says whether turns may start in a state. Only running admits.
func (s State) Admits() bool { return s == Running }

// Known says whether s is one of the states.
func (s State) Known() bool {
	_, known := next[s]
	return known
}
