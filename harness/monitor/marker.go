package monitor

import (
	"github.com/drainproof/drainproof/harness/history"
)

func markerMonitors() []Monitor {
	return []Monitor{rule("MARKER-008", "marker-left-alone", judgeMarkerLeftAlone)}
}

// judgeMarkerLeftAlone is MARKER-008: the marker belongs to the controller; the
// gateway never deletes, rewrites or renames it. What happens to it while no
// gateway lives is not the gateway's doing.
func judgeMarkerLeftAlone(v *View, r *ruling) {
	for _, s := range v.Spells {
		if s.Ack != nil {
			r.arises()
		}
	}
	for _, e := range v.found {
		l := v.lifeAt(e.Call)
		if l.goneBefore(e.Call) || l.Kill != nil && l.Kill.Return < e.Call {
			continue
		}
		actual := history.Describe(*e)
		switch e.Marker.Op {
		case history.OpCancel:
			actual = "the controller went to remove the marker, and it was gone"
		case history.OpBegin, history.OpRewrite:
			actual = "the controller wrote the marker, and it was gone before that was done"
		}
		r.violation(e.Return, "the gateway leaves the marker to its controller", actual, v.requestAt(e.Call, e.Return), e)
	}
}
