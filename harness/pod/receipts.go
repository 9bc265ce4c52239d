package pod

import (
	"context"
	"encoding/json"
	"regexp"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

var receiptLine = regexp.MustCompile(`drainproof-receipt (\{.*\})`)

// logLine looks for activation receipts of wrong gateways in the gateway's log;
// other lines stay in the log.
func (g *Gateway) logLine(line string) {
	if l := g.receipt(line); l != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = g.note(ctx, history.Event{Kind: history.KindLog, Log: l}, 0)
	}
}

// receipt reads a line as a receipt; nil when it is none, or not the first of its
// fault: one per history is enough, and a flood is no better evidence.
func (g *Gateway) receipt(line string) *history.Log {
	m := receiptLine.FindStringSubmatch(line)
	if m == nil {
		return nil
	}
	var r struct {
		Fault string `json:"fault"`
	}
	if json.Unmarshal([]byte(m[1]), &r) != nil || r.Fault == "" {
		return nil
	}
	g.live.mu.Lock()
	defer g.live.mu.Unlock()
	if g.live.receipts[r.Fault] {
		return nil
	}
	return &history.Log{Line: m[0], Receipt: r.Fault}
}

// allLines is more than a runtime keeps of a gateway's log.
const allLines = 1 << 20

// lateReceipts records those that came out of the engine after the follower was
// stopped: a gateway that fails fast is over before its log is.
func (g *Gateway) lateReceipts(ctx context.Context, at history.Stamp) {
	lines, err := g.pod.Logs(ctx, allLines)
	if err != nil {
		return // it was followed while it lived; this is the rest
	}
	for _, line := range lines {
		if l := g.receipt(line); l != nil {
			g.record(history.Event{Kind: history.KindLog, Call: at, Return: at, Log: l})
		}
	}
}
