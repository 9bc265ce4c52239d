package verdict

import (
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
)

// Judge has every monitor judge a history and takes out what a verdict needs of
// it; path is only named. It fails when the events are no history.
func Judge(path string, events []history.Event) (History, error) {
	view, err := monitor.NewView(events)
	if err != nil {
		return History{}, fmt.Errorf("judge history %s: %w", path, err)
	}
	h := History{
		Spec: view.Header.Spec, Path: path, Requirements: view.Header.Requirements,
		Judgements: monitor.JudgeAll(view),
	}
	for _, e := range events {
		switch {
		case e.Kind == history.KindOutcome:
			h.Result, h.Message = e.Outcome.Result, e.Outcome.Message
		case e.Kind == history.KindLog && e.Log.Receipt != "":
			h.Receipts = append(h.Receipts, e.Log.Receipt)
		}
	}
	return h, nil
}
