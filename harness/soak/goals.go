package soak

import (
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// Goal is something that must have happened sometime in a soak, or it proves little.
type Goal struct {
	Name     string `json:"name"`
	Sentence string `json:"sentence"`
	Reached  int    `json:"reached"` // in how many schedules
}

// goal is one with what it takes.
type goal struct {
	name, sentence string
	possible       func(Terrain) bool // nil: always
}

func declares(feature string) func(Terrain) bool {
	return func(t Terrain) bool { return t.Target.Declares(feature) }
}

func allGoals() []goal {
	stalls := func(t Terrain) bool {
		for _, in := range t.Target.Ingresses {
			if in.Stalls() {
				return true
			}
		}
		return false
	}
	return []goal{
		{"flip-in-flight", "a drain was published with a turn in flight", nil},
		{"refused-then-served", "a turn was refused, and a later one served", nil},
		{"two-to-zero", "the count went from two or more to 0 within a drain", nil},
		{"every-ingress-refused", "every way in refused a turn", nil},
		{"every-ingress-served", "every way in served a turn", nil},
		{"crowd", "a drain was published with as many turns in flight as a crowd has", nil},
		{"kill-in-drain", "the gateway was killed in a drain", nil},
		{"term-in-drain", "the gateway was told to shut down in a drain", declares("shutdown")},
		{"term-in-flight", "the gateway was told to shut down with a turn in flight", declares("shutdown")},
		{"start-under-marker", "the gateway was started with the marker in place, and drained", nil},
		{"recreate", "the instantiation was made anew", func(t Terrain) bool { return t.Docker && t.Target.Declares("epoch") }},
		{"frozen-in-drain", "the gateway stood still in a drain", nil},
		{"rewritten", "a drain in effect was requested again", nil},
		{"moved-request", "a drain in effect was requested again with another time", declares("expiry")},
		{"hostile", "a hostile marker drained the gateway", func(t Terrain) bool { return t.Corpus != nil }},
		{"unnoticed", "a drain was cancelled before it was published", nil},
		{"delivering", "a drain was published while a reply was on its way to a client that did not read", stalls},
		{"aborted-in-drain", "a client hung up on a turn in flight in a drain", nil},
		{"model-failed", "a model call failed", nil},
		{"model-cut-off", "the model hung up without an answer", nil},
		{"loaded", "a drain was requested while the machine was kept busy", func(t Terrain) bool { return t.Load }},
		{"asked-by-control", "the control endpoint began a drain", func(t Terrain) bool { return t.Target.Control != nil }},
		{"followed-up", "a turn was sent to a session that had one in flight", sessions},
		{"job", "a scheduled job ran", func(t Terrain) bool { return t.Target.Declares("scheduled") && t.Target.Jobs != nil }},
		{"home-full", "the gateway came to rest, and came up again, after its home had been full", Terrain.mounts},
		{"home-read-only", "the gateway came up after it had been started with a home that it could not write", Terrain.mounts},
		{"completion", "the completion of a background process was taken in", func(t Terrain) bool { return t.Target.Declares("background") && t.Target.Background != nil }},
	}
}

func sessions(t Terrain) bool {
	if !t.Target.Declares("sessions") {
		return false
	}
	for _, in := range t.Target.Ingresses {
		if in.SessionHeader != "" {
			return true
		}
	}
	return false
}

// Goals counts what was reached, over all histories of a soak.
type Goals struct {
	terrain Terrain
	counts  map[string]int
	refused map[string]bool // ways in
	served  map[string]bool
}

// NewGoals are those that can be reached on a terrain, none of them reached.
func NewGoals(t Terrain) *Goals {
	return &Goals{terrain: t, counts: map[string]int{}, refused: map[string]bool{}, served: map[string]bool{}}
}

// All are the goals, in their order.
func (g *Goals) All() []Goal {
	out := []Goal{}
	for _, one := range allGoals() {
		if one.possible == nil || one.possible(g.terrain) {
			out = append(out, Goal{Name: one.name, Sentence: one.sentence, Reached: g.counts[one.name]})
		}
	}
	return out
}

// Missing are the names of those that were not reached.
func (g *Goals) Missing() []string {
	var out []string
	for _, one := range g.All() {
		if one.Reached == 0 {
			out = append(out, one.Name)
		}
	}
	return out
}

// endured counts a hardship that a gateway went through before a history.
func (g *Goals) endured(s Step) { g.counts["home-"+s.How]++ }

// Add looks for them in a history.
func (g *Goals) Add(events []history.Event) {
	s := &sighting{Goals: g, reached: map[string]bool{}, held: map[string]bool{}, unread: map[string]bool{}, ingress: map[string]string{}, session: map[string]string{}, origin: map[string]string{}}
	for i := range events {
		s.see(&events[i])
	}
	for _, in := range g.terrain.Target.Ingresses {
		if !g.refused[in.Name] {
			delete(s.reached, "every-ingress-refused")
		}
		if !g.served[in.Name] {
			delete(s.reached, "every-ingress-served")
		}
	}
	for name := range s.reached {
		g.counts[name]++
	}
}

// sighting is what is the case at a point of a history.
type sighting struct {
	*Goals
	reached map[string]bool

	marker  bool // it lies there
	noticed bool // and was published
	hostile bool // it is out of the ordinary
	started bool // the gateway was started under it
	loaded  bool
	refusal bool            // a turn was refused
	most    int             // count, in this drain
	held    map[string]bool // turns that the model holds
	unread  map[string]bool // turns whose replies wait for a client that does not read
	ingress map[string]string
	session map[string]string
	origin  map[string]string
}

func (s *sighting) see(e *history.Event) {
	switch e.Kind {
	case history.KindMarker:
		s.seeMarker(e.Marker)
	case history.KindControl:
		s.reach("asked-by-control", e.Control.Action == history.AskDrain && e.Control.OK())
	case history.KindState:
		s.seeState(e.State)
	case history.KindTurn:
		s.seeTurn(e.Turn)
	case history.KindModel:
		s.seeModel(e.Model)
	case history.KindAction:
		s.seeAction(e.Action)
	}
}

func (s *sighting) reach(name string, is bool) {
	if is {
		s.reached[name] = true
	}
}

func (s *sighting) seeMarker(m *history.Marker) {
	if m.Error != "" || m.Op == history.OpDecoy {
		return
	}
	switch {
	case m.Present && s.marker:
		s.reach("rewritten", s.noticed)
		s.reach("moved-request", s.noticed && m.Age != 0)
		s.hostile = m.Case != ""
	case m.Present:
		s.marker, s.noticed, s.hostile, s.started, s.most = true, false, m.Case != "", false, 0
		s.reach("loaded", s.loaded)
	default:
		s.reach("unnoticed", s.marker && !s.noticed)
		s.marker, s.noticed, s.hostile, s.started = false, false, false, false
	}
}

func (s *sighting) seeState(r *history.State) {
	if r.Problem != "" || r.State != history.Draining || !s.marker {
		return
	}
	if !s.noticed {
		s.reach("flip-in-flight", len(s.held) > 0)
		s.reach("crowd", len(s.held) >= min(MaxCrowd, s.terrain.Target.Capacity))
		s.reach("hostile", s.hostile)
		s.reach("start-under-marker", s.started)
	}
	s.reach("delivering", len(s.unread) > 0)
	s.noticed = true
	s.most = max(s.most, r.Count)
	s.reach("two-to-zero", s.most >= 2 && r.Count == 0)
}

func (s *sighting) seeTurn(t *history.Turn) {
	switch t.Phase {
	case history.TurnExpected:
		s.origin[t.ID] = t.Origin
	case history.TurnSent:
		s.ingress[t.ID] = t.Ingress
		for id := range s.held {
			s.reach("followed-up", t.Session != "" && s.session[id] == t.Session)
		}
		s.session[t.ID] = t.Session
	case history.TurnArriving:
		s.unread[t.ID] = true
	case history.TurnResumed:
		delete(s.unread, t.ID)
	case history.TurnAborted:
		s.reach("aborted-in-drain", s.noticed && s.held[t.ID])
	case history.TurnEnded:
		delete(s.unread, t.ID)
		switch t.Outcome {
		case history.Refused:
			s.refusal = true
			s.refused[t.Ingress] = true
			s.reach("every-ingress-refused", true)
		case history.Finished:
			s.served[t.Ingress] = true
			s.reach("every-ingress-served", true)
			s.reach("refused-then-served", s.refusal)
		}
	}
}

func (s *sighting) seeModel(m *history.Model) {
	switch m.Phase {
	case history.ModelCalled:
		if m.Turn != "" {
			s.held[m.Turn] = true
		}
	case history.ModelReleased, history.ModelGone:
		delete(s.held, m.Turn)
	case history.ModelDone:
		delete(s.held, m.Turn)
		s.reach("model-failed", m.Fail != 0)
		s.reach("model-cut-off", m.Fail == wire.FailHangUp)
		s.reach("job", s.origin[m.Turn] == history.OriginJob)
		s.reach("completion", s.origin[m.Turn] == history.OriginBackground)
	}
}

func (s *sighting) seeAction(a *history.Action) {
	if a.Error != "" {
		return
	}
	switch a.Name {
	case history.ActionSIGKILL:
		s.reach("kill-in-drain", s.noticed)
		s.noticed = false
		clear(s.held)
	case history.ActionSIGTERM:
		s.reach("term-in-drain", s.noticed)
		s.reach("term-in-flight", len(s.held) > 0)
	case history.ActionStart, history.ActionRespawn:
		s.started, s.noticed = s.marker, false
	case history.ActionRecreate:
		s.reach("recreate", true)
		clear(s.held)
	case history.ActionFreeze:
		s.reach("frozen-in-drain", s.noticed)
	case history.ActionLoad:
		s.loaded = true
	case history.ActionUnload:
		s.loaded = false
	}
}
