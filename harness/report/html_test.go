package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/report"
)

// A run that passed is not shown as one that failed, whatever the words of its verdict are.
func TestTonesOfThePage(t *testing.T) {
	for tone, list := range map[string][]*report.Report{
		"good": {conformant()}, "bad": {nonConformant(), expected()}, "open": {notCertifying(), filtered(), incomplete()},
	} {
		for _, r := range list {
			page, err := report.HTML(r)
			if err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("<div class=\"verdict %s\" id=\"verdict\">", tone); !strings.Contains(string(page), want) {
				t.Errorf("%s is not shown as %s", r.Verdict, tone)
			}
		}
	}
}

// A check that passed with a SHOULD that is not met is none that failed.
func TestAWarningIsNoFailure(t *testing.T) {
	r := conformant()
	q := &r.Requirements[1]
	q.Level, q.Verdict = "SHOULD", report.Warn
	q.Violations = nonConformant().Requirements[1].Violations[:1]
	page, err := report.HTML(r)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(page), `<span class="tag fail">passed</span>`) {
		t.Error("it is shown as failed")
	}
}

// Nothing of a history gets out of its place in the picture.
func TestHostileWordsInATimeline(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	at := history.Stamp(0)
	event := func(e history.Event) history.Event {
		at += 1_000_000
		e.Seq, e.Call, e.Return = uint64(at), at, at+10
		return e
	}
	turn := func(phase history.TurnPhase, o history.TurnOutcome) history.Event {
		return event(history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: evil, Ingress: evil, Purpose: evil, Phase: phase, Outcome: o}})
	}
	state := func(s string) history.Event {
		return event(history.Event{Kind: history.KindState, State: &history.State{Publication: evil, State: s, Raw: evil}})
	}
	picture := report.Timeline([]history.Event{
		state(evil), state(history.Running), event(history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: evil, How: evil, Present: true}}),
		event(history.Event{Kind: history.KindAction, Action: &history.Action{Name: evil, Error: evil}}), turn(history.TurnSent, ""), turn(history.TurnEnded, evil),
	}, []report.Mark{{At: at, Text: evil}})
	if strings.Contains(picture, "<script") || strings.Contains(picture, `""`) {
		t.Errorf("got out: %s", picture)
	}
}

// What was carried over from the history before is of long ago; the picture is of now.
func TestTheTimelineOfAHistoryThatGoesOn(t *testing.T) {
	const minute = history.Stamp(60e9)
	begun := 20 * minute
	events := []history.Event{
		{Kind: history.KindHeader, Header: &history.Header{Since: begun}},
		{Seq: 1, Kind: history.KindProcess, Call: minute, Return: minute + 10, Process: &history.Process{Phase: history.ProcessSeen, PID: 7}},
		{Seq: 2, Kind: history.KindState, Call: begun + 10, Return: begun + 20, State: &history.State{Publication: "file", State: history.Running}},
		{Seq: 3, Kind: history.KindState, Call: begun + 4e9, Return: begun + 5e9, State: &history.State{Publication: "file", State: history.Draining}},
	}
	if picture := report.Timeline(events, nil); !strings.Contains(picture, "Timeline of 5") {
		t.Errorf("%.200s", picture)
	}
}
