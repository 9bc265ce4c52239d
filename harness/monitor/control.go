package monitor

import (
	"fmt"
	"strconv"

	"github.com/drainproof/drainproof/harness/history"
)

func controlMonitors() []Monitor {
	return []Monitor{
		rule("CONTROL-001", "endpoint-writes-marker", judgeEndpointDrains),
		rule("CONTROL-002", "endpoint-cancels", judgeEndpointCancels),
		rule("CONTROL-003", "bad-request-moves-nothing", judgeBadRequests),
		rule("CONTROL-004", "no-token-moves-nothing", judgeTokens),
		rule("CONTROL-005", "principal-is-the-tokens", judgePrincipal),
		rule("CONTROL-006", "weak-secret-switches-off", judgeWeakSecret),
		rule("CONTROL-007", "endpoint-needs-no-gateway", judgeEndpointAlone),
		rule("CONTROL-008", "no-false-ok", judgeFalseOK),
	}
}

// request is a request to the control endpoint.
type request struct {
	*history.Control
	event *history.Event
	life  *Life
	alone bool // the gateway was gone for certain, from before it was sent until it was answered
}

func (v *View) requests(yield func(request) bool) {
	for i := range v.Events {
		e := &v.Events[i]
		if e.Kind != history.KindControl {
			continue
		}
		l := v.lifeAt(e.Call)
		q := request{Control: e.Control, event: e, life: l, alone: l.goneBefore(e.Call) && e.Return <= l.Over}
		if !yield(q) {
			return
		}
	}
}

// rightful says whether it is an ordinary request, from whom it may come, in a home
// that can be written.
func (q request) rightful(action string) bool {
	return q.Action == action && q.Credential == history.RightToken && !q.Locked &&
		(q.Case == "" || q.Case == history.CaseEmptyBody)
}

// answered says what became of the request, in words.
func (q request) answered() string {
	if q.Status == 0 {
		return fmt.Sprintf("no answer: %q", q.Error)
	}
	return fmt.Sprintf("it is answered with %d, %q", q.Status, q.Answer)
}

// unanswered notes that no answer came, of an endpoint that was given the time for
// it. Less time is no evidence.
func (r *ruling) unanswered(v *View, q request, expected string) {
	if margin := q.event.Return.Sub(q.event.Call) - v.Bound; margin > 0 {
		r.miss(v, q.event.Call, q.event.Return, margin, expected, q.answered(), q.event)
	}
}

// judgeEndpointDrains is CONTROL-001: a request for a drain, also one with an empty
// body, writes the marker, whole or not at all, with action, requested_at and
// principal. An endpoint that leaves a marker alone that is there already is not
// judged by it. (What it does without a gateway is CONTROL-007.)
func judgeEndpointDrains(v *View, r *ruling) {
	for q := range v.requests {
		if !q.rightful(history.AskDrain) {
			continue
		}
		const expected = "a request for a drain writes the marker, whole, with action, requested_at and principal"
		breaks := func(actual string) { r.violation(q.event.Return, expected, actual, q.event) }
		switch {
		case q.alone && !q.OK():
		case q.Status == 0:
			r.unanswered(v, q, expected)
		case !q.OK():
			r.arises()
			breaks(q.answered())
		case q.Torn != "":
			r.arises()
			breaks("for a moment the marker was not whole: " + q.Torn)
		case q.Flaw != "":
			r.arises()
			breaks("of the marker it wrote, " + q.Flaw)
		case q.Appeared:
			r.arises()
			r.clean()
		case !q.Existed && !q.alone:
			r.arises()
			breaks(q.answered() + ", and there is no marker")
		}
	}
}

// judgeEndpointCancels is CONTROL-002: a cancel removes the marker and says whether
// there was one; one more is no error.
func judgeEndpointCancels(v *View, r *ruling) {
	for q := range v.requests {
		if !q.rightful(history.AskCancel) || q.alone && !q.OK() {
			continue
		}
		const expected = "a cancel removes the marker, says whether there was one, and is no error when there was none"
		if q.Status == 0 {
			r.unanswered(v, q, expected)
			continue
		}
		r.arises()
		breaks := func(actual string) { r.violation(q.event.Return, expected, actual, q.event) }
		switch {
		case !q.OK():
			breaks(fmt.Sprintf("a marker was there: %t; %s", q.Existed, q.answered()))
		case q.Existed && q.Present:
			breaks(q.answered() + ", and the marker is still there")
		case q.Said != strconv.FormatBool(q.Existed):
			breaks(fmt.Sprintf("a marker was there: %t; by the answer there was one: %s; %s", q.Existed, q.Said, q.answered()))
		default:
			r.clean()
		}
	}
}

// refused judges requests that must be answered with a status, and move nothing.
func (r *ruling) refused(q request, status int, expected, what string) {
	if q.Status == 0 && !q.Changed {
		return
	}
	r.arises()
	actual := fmt.Sprintf("%s: %s", what, q.answered())
	if q.Changed {
		actual += ", and the marker is not as it was"
	}
	if q.Changed || q.Status != status {
		r.violation(q.event.Return, expected, actual, q.event)
	}
}

// judgeBadRequests is CONTROL-003.
func judgeBadRequests(v *View, r *ruling) {
	for q := range v.requests {
		if q.Action == "" && q.Credential == history.RightToken {
			r.refused(q, 400, "another action, or a body that is no JSON object, is answered with 400 and moves nothing", q.Case)
		}
	}
}

// judgeTokens is CONTROL-004.
func judgeTokens(v *View, r *ruling) {
	for q := range v.requests {
		if q.Credential == history.NoToken || q.Credential == history.WrongToken {
			r.refused(q, 401, "without a token, or with a wrong one, the answer is 401 and nothing is moved", fmt.Sprintf("a %s, %s", q.Action, q.Case))
		}
	}
}

// judgePrincipal is CONTROL-005: the marker names whom the token stands for,
// whatever the request says. A request that says more than it should may be refused.
func judgePrincipal(v *View, r *ruling) {
	for q := range v.requests {
		if q.Credential != history.RightToken || !q.Appeared || q.By == "" {
			continue
		}
		r.arises()
		if q.By != q.Principal {
			r.violation(q.event.Return, fmt.Sprintf("the marker's principal is the one the token stands for, %q", q.Principal),
				fmt.Sprintf("it is %q", q.By), q.event)
		}
	}
}

// judgeWeakSecret is CONTROL-006: a weak secret switches the endpoint off, or keeps
// the gateway from starting at all.
func judgeWeakSecret(v *View, r *ruling) {
	for _, l := range v.Lives {
		if v.startedOddly(l) && l.Gone != nil {
			r.arises()
		}
	}
	for q := range v.requests {
		if q.Credential != history.WeakToken {
			continue
		}
		r.arises()
		if q.OK() || q.Changed {
			r.violation(q.event.Return, "a weak secret switches the endpoint off",
				fmt.Sprintf("%s: %s", q.Case, q.answered()), q.event)
		}
	}
}

// startedOddly says whether a life never got to serve, in a history whose spec gave
// the gateway another environment than its target file does: it may well refuse.
func (v *View) startedOddly(l *Life) bool {
	return len(v.Header.Overrides) > 0 && l.Start != nil && l.Ready == nil
}

// judgeFalseOK is CONTROL-008: a marker that could not be moved is a 5xx, and never
// an ok. Where it was moved all the same, nothing can be said.
func judgeFalseOK(v *View, r *ruling) {
	for q := range v.requests {
		moved := q.Present == (q.Action == history.AskDrain)
		if !q.Locked || q.Credential != history.RightToken || q.Action == "" || moved {
			continue
		}
		const expected = "when the marker cannot be written or removed the answer is a 5xx, never an ok"
		if q.Status == 0 {
			r.unanswered(v, q, expected)
			continue
		}
		r.arises()
		if q.Status/100 != 5 {
			r.violation(q.event.Return, expected, fmt.Sprintf("asked for a %s, %s, and the marker is as it was", q.Action, q.answered()), q.event)
		} else {
			r.clean()
		}
	}
}
