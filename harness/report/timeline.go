package report

import (
	"cmp"
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// A timeline is a picture of one history: what the controller did to the marker, what was
// published and read, every turn from both of its sides, the life of the process, and
// where a rule was broken. It is SVG whose colours come from the page around it.

// The picture's measures, in its own units.
const (
	pictureWidth  = 1000
	labelWidth    = 150
	laneHeight    = 18
	turnHeight    = 7
	maxTurnLanes  = 60
	headHeight    = 22
	minPieceWidth = 0.8
)

// Mark is an instant to be pointed at.
type Mark struct {
	At       history.Stamp
	Text     string
	Evidence []uint64 // events that prove it
}

// Timeline draws a history.
func Timeline(events []history.Event, marks []Mark) string {
	t := &timeline{events: events, marks: marks}
	if !t.span() {
		return ""
	}
	t.proof = map[uint64]bool{}
	for _, m := range marks {
		for _, seq := range m.Evidence {
			t.proof[seq] = true
		}
	}
	t.y = headHeight
	t.stalls()
	t.axis()
	t.marker()
	t.process()
	t.publications()
	t.turns()
	height := t.y + 4
	for _, m := range marks {
		x := t.x(m.At)
		t.late("<g class=\"breach\"><title>%s</title><path d=\"M%.1f 4 V%d\"/><path class=\"flag\" d=\"M%.1f 0 l5 7 h-10 z\"/></g>", esc(m.Text), x, height, x)
	}
	return fmt.Sprintf("<svg class=\"timeline\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">%s%s</svg>",
		pictureWidth, height, esc(t.summary()), t.back.String(), t.front.String())
}

type timeline struct {
	events      []history.Event
	marks       []Mark
	proof       map[uint64]bool
	from, until history.Stamp
	y           int
	back, front strings.Builder
	lanes       int
}

// span finds the first and the last instant that are shown. What was only carried over from
// another history may be of long ago.
func (t *timeline) span() bool {
	var since history.Stamp
	for _, e := range t.events {
		if e.Kind == history.KindHeader && e.Header != nil {
			since = e.Header.Since
		}
		if e.Kind == history.KindHeader || e.Kind == history.KindOutcome || e.Return == 0 {
			continue
		}
		if t.from == 0 || e.Call < t.from {
			t.from = e.Call
		}
		t.until = max(t.until, e.Return)
	}
	t.from = max(t.from, since)
	return t.until > t.from
}

func (t *timeline) x(at history.Stamp) float64 {
	share := float64(at-t.from) / float64(t.until-t.from)
	return labelWidth + min(1, max(0, share))*(pictureWidth-labelWidth-4)
}

func (t *timeline) draw(format string, args ...any) { fmt.Fprintf(&t.back, format, args...) }
func (t *timeline) late(format string, args ...any) { fmt.Fprintf(&t.front, format, args...) }

func esc(s string) string { return html.EscapeString(clean(s)) }

// lane begins a new row and returns where its middle is.
func (t *timeline) lane(label string, height int) int {
	middle := t.y + height/2
	if label != "" {
		t.draw("<text class=\"label\" x=\"0\" y=\"%d\">%s</text>", middle+4, esc(label))
	}
	t.y += height
	return middle
}

// bar is a piece of a lane between two instants. Its class may hold a word of the history's.
func (t *timeline) bar(class string, middle, height int, from, until history.Stamp, title string) {
	x := t.x(from)
	t.draw("<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"><title>%s</title></rect>",
		esc(class), x, float64(middle)-float64(height)/2, max(minPieceWidth, t.x(until)-x), height, esc(title))
}

func (t *timeline) tick(class string, middle int, e history.Event, label string) {
	x := t.x(e.Return)
	t.draw("<g class=\"%s\"><title>%s</title><path d=\"M%.1f %d v14\"/><text x=\"%.1f\" y=\"%d\">%s</text></g>",
		class, esc(t.told(e)), x, middle-7, x+3, middle+4, esc(label))
}

// told is an event in words, with when it happened.
func (t *timeline) told(e history.Event) string {
	return fmt.Sprintf("%s  #%d  %s", Human(e.Return.Sub(t.from)), e.Seq, history.Describe(e))
}

// seen points at an event that proves a breach.
func (t *timeline) seen(e history.Event, middle int) {
	if t.proof[e.Seq] {
		t.late("<circle class=\"proof\" cx=\"%.1f\" cy=\"%d\" r=\"4\"><title>%s</title></circle>", t.x(e.Return), middle, esc(t.told(e)))
	}
}

// axis is a scale with some eight steps.
func (t *timeline) axis() {
	whole := t.until.Sub(t.from)
	step := time.Millisecond
	for i := 0; whole/step > 10; i++ {
		step = time.Duration(float64(step) * []float64{2, 2.5, 2}[i%3])
	}
	for at := time.Duration(0); at <= whole; at += step {
		x := t.x(t.from.Add(at))
		t.draw("<text class=\"scale\" x=\"%.1f\" y=\"12\">%s</text>", x, esc(Human(at)))
		t.late("<path class=\"grid\" d=\"M%.1f 16 v4\"/>", x)
	}
}

// stalls are stretches in which the machine, not the gateway, was late.
func (t *timeline) stalls() {
	for _, e := range t.events {
		if e.Kind == history.KindStall {
			t.late("<rect class=\"stall\" x=\"%.1f\" y=\"16\" width=\"%.1f\" height=\"4\"><title>%s</title></rect>",
				t.x(e.Call), max(minPieceWidth, t.x(e.Return)-t.x(e.Call)), esc(t.told(e)))
		}
	}
}

func (t *timeline) marker() {
	middle := t.lane("marker", laneHeight)
	var since *history.Event
	for i, e := range t.events {
		if e.Kind != history.KindMarker || e.Marker.Error != "" || e.Marker.Op == history.OpDecoy {
			continue
		}
		if since != nil {
			t.bar("marker", middle, 10, since.Return, e.Call, t.told(*since))
		}
		t.bar("edge", middle, 12, e.Call, e.Return, t.told(e))
		t.seen(e, middle)
		since = nil
		if e.Marker.Present {
			since = &t.events[i]
		}
	}
	if since != nil {
		t.bar("marker", middle, 10, since.Return, t.until, t.told(*since))
	}
}

func (t *timeline) process() {
	middle := t.lane("process", laneHeight)
	var since *history.Event
	for i, e := range t.events {
		switch {
		case e.Kind == history.KindProcess && e.Process.Phase == history.ProcessSeen:
			since = &t.events[i]
		case e.Kind == history.KindProcess && e.Process.Phase == history.ProcessGone:
			if since != nil {
				t.bar("alive", middle, 6, since.Call, e.Call, t.told(*since))
			}
			since = nil
		case e.Kind == history.KindAction && (e.Action.Name != history.ActionReady || e.Action.Error != ""):
			t.tick("action", middle, e, e.Action.Words())
		}
		if e.Kind == history.KindProcess || e.Kind == history.KindAction {
			t.seen(e, middle)
		}
	}
	if since != nil {
		t.bar("alive", middle, 6, since.Call, t.until, t.told(*since))
	}
}

// publications are a lane each: which state was read, and how many turns in flight.
func (t *timeline) publications() {
	var names []string
	for _, e := range t.events {
		if e.Kind == history.KindState && !slices.Contains(names, e.State.Publication) {
			names = append(names, e.State.Publication)
		}
	}
	for _, name := range names {
		middle := t.lane("published: "+name, laneHeight)
		var since *history.Event
		end := t.from
		flush := func(until history.Stamp) {
			if since == nil {
				return
			}
			class, title := "state-"+cmp.Or(since.State.State, "none"), t.told(*since)
			t.bar("state "+class, middle, 14, since.Call, until, title)
			if t.x(until)-t.x(since.Call) > 9 && since.State.State != "" {
				t.draw("<text class=\"count\" x=\"%.1f\" y=\"%d\">%d</text>", t.x(since.Call)+2, middle+4, since.State.Count)
			}
		}
		for i, e := range t.events {
			if e.Kind != history.KindState || e.State.Publication != name {
				continue
			}
			t.seen(e, middle)
			if since == nil || since.State.State != e.State.State || since.State.Count != e.State.Count || since.State.Problem != e.State.Problem {
				flush(e.Call)
				since = &t.events[i]
			}
			end = e.Return
		}
		flush(end)
	}
}

// side is a turn as its events tell it.
type side struct {
	id, ingress, purpose string
	events               []history.Event
	first                history.Stamp
}

func (t *timeline) sides() []*side {
	all := map[string]*side{}
	for _, e := range t.events {
		var id string
		switch {
		case e.Kind == history.KindTurn:
			id = e.Turn.ID
		case e.Kind == history.KindModel:
			id = e.Model.Turn
		}
		if id == "" {
			continue
		}
		if all[id] == nil {
			all[id] = &side{id: id, first: e.Call}
		}
		s := all[id]
		s.events = append(s.events, e)
		if e.Kind == history.KindTurn {
			s.ingress, s.purpose = e.Turn.Ingress, cmp.Or(s.purpose, e.Turn.Purpose)
		}
	}
	list := slices.Collect(maps.Values(all))
	slices.SortFunc(list, func(a, b *side) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.id, b.id)) })
	return list
}

// turns are a thin lane each: sent, held by the model, answered, ended.
func (t *timeline) turns() {
	sides := t.sides()
	if len(sides) == 0 {
		return
	}
	t.y += 4
	shown := sides
	if len(sides) > maxTurnLanes {
		// Those that prove something, and as many others as there is room for.
		proving := func(s *side) bool {
			return slices.ContainsFunc(s.events, func(e history.Event) bool { return t.proof[e.Seq] })
		}
		room := maxTurnLanes
		for _, s := range sides {
			if proving(s) {
				room--
			}
		}
		shown = slices.DeleteFunc(slices.Clone(sides), func(s *side) bool {
			if proving(s) {
				return false
			}
			room--
			return room < 0
		})
	}
	label := fmt.Sprintf("turns: %d", len(sides))
	if len(shown) < len(sides) {
		label += fmt.Sprintf(", %d shown", len(shown))
	}
	t.draw("<text class=\"label\" x=\"0\" y=\"%d\">%s</text>", t.y+10, esc(label))
	for _, s := range shown {
		t.turn(s)
	}
	t.lanes = len(shown)
}

func (t *timeline) turn(s *side) {
	middle := t.lane("", turnHeight)
	var sent, answered, end *history.Event
	held := map[int]history.Event{}
	title := fmt.Sprintf("%s to %s: %s", s.id, s.ingress, s.purpose)
	for i, e := range s.events {
		switch {
		case e.Kind == history.KindModel && e.Model.Phase == history.ModelCalled:
			held[e.Model.Call] = e
		case e.Kind == history.KindModel && (e.Model.Phase == history.ModelDone || e.Model.Phase == history.ModelGone):
			if called, ok := held[e.Model.Call]; ok {
				t.bar("model", middle, 5, called.Call, e.Return, t.told(called)+" - "+t.told(e))
				delete(held, e.Model.Call)
			}
		case e.Kind == history.KindTurn:
			switch e.Turn.Phase {
			case history.TurnSent:
				sent = &s.events[i]
			case history.TurnAnswered:
				answered = &s.events[i]
			case history.TurnEnded:
				end = &s.events[i]
			}
		}
	}
	for _, called := range held {
		t.bar("model", middle, 5, called.Call, t.until, t.told(called))
	}
	from, until := s.first, t.until
	if sent != nil {
		from = sent.Call
	}
	class := "turn open"
	if end != nil {
		until, class = end.Return, "turn "+string(end.Turn.Outcome)
		title += ": " + history.Describe(*end)
	}
	t.bar(class, middle, 2, from, until, title)
	if answered != nil && end != nil && end.Turn.Outcome == history.Finished {
		t.bar("reply", middle, 3, answered.Call, until, title)
	}
	if end != nil {
		t.draw("<circle class=\"turn %s\" cx=\"%.1f\" cy=\"%d\" r=\"2\"><title>%s</title></circle>", esc(string(end.Turn.Outcome)), t.x(until), middle, esc(title))
	}
	for _, e := range s.events {
		t.seen(e, middle)
	}
}

// summary is the picture in words.
func (t *timeline) summary() string {
	text := fmt.Sprintf("Timeline of %s, %d events", Human(t.until.Sub(t.from)), len(t.events))
	for _, m := range t.marks {
		text += fmt.Sprintf("; at %s: %s", Human(m.At.Sub(t.from)), m.Text)
	}
	return text
}
