package monitor

import (
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
)

func statusMonitors() []Monitor {
	return []Monitor{
		rule("CONTROL-009", "status-agrees-with-itself", judgeStatus),
		rule("RESTART-003", "dead-is-not-running", judgeDead),
	}
}

// judgeStatus is CONTROL-009: in one answer, busy says that the count is above 0, and
// drainable that the gateway runs and would follow a drain: always while running,
// never once it is stopping or has stopped. While it starts or drains already, either
// can be meant.
func judgeStatus(v *View, r *ruling) {
	for _, p := range v.Publications {
		told := false // once per stretch of answers that are wrong
		for _, read := range p.Reads {
			s := read.State
			if !read.Good || s.Busy == "" {
				continue
			}
			r.arises()
			wrong := disagrees(s)
			if wrong != "" && !told {
				r.violation(read.Event.Return, "in every answer gateway_state, active_agents, gateway_busy and gateway_drainable agree with one another",
					fmt.Sprintf("%s shows %s with %d, and %s", p.Name, s.State, s.Count, wrong), read.Event)
			}
			told = wrong != ""
		}
	}
}

// disagrees says what does not fit the rest of an answer; "" when all of it does.
func disagrees(s *history.State) string {
	isBool := func(value string) bool { return value == "true" || value == "false" }
	switch {
	case !isBool(s.Busy):
		return fmt.Sprintf("busy is %s, neither true nor false (a gateway that does not publish it does not declare status-http)", s.Busy)
	case !isBool(s.Drainable):
		return fmt.Sprintf("drainable is %s, neither true nor false", s.Drainable)
	case (s.Busy == "true") != (s.Count > 0):
		return "busy is " + s.Busy
	case s.State == history.Running && s.Drainable != "true",
		(s.State == history.Stopping || s.State == history.Stopped) && s.Drainable != "false":
		return "drainable is " + s.Drainable
	}
	return ""
}

// judgeDead is RESTART-003: a gateway that is gone never reads as running or busy.
// Files are not judged: what a process left when it was killed is nobody's answer.
// A status that can't be reached doesn't read as anything. Until its parent has waited for
// it, a process that is gone can be asked for and is there, which takes no tenth of B.
func judgeDead(v *View, r *ruling) {
	for _, l := range v.Lives {
		if l.Gone == nil {
			continue
		}
		for _, p := range v.Publications {
			if p.File {
				continue
			}
			for _, read := range p.Reads[p.since(l.Gone.Return+1):] {
				if read.Event.Return > l.Over {
					break
				}
				r.arises()
				if read.atWork() && v.ran(l.Gone.Return, read.Event.Call) > v.Bound/10 {
					r.violation(read.Event.Return, "a gateway that is gone is never reported as running or busy",
						fmt.Sprintf("%s after the process was gone: %s", round(read.Event.Call.Sub(l.Gone.Return)), history.Describe(*read.Event)), l.Gone, read.Event)
					break
				}
			}
		}
	}
}

// atWork says whether it shows a gateway that is running or busy.
func (r *Read) atWork() bool {
	return r.State.State == history.Running || r.State.Count > 0 || r.State.Busy == "true"
}
