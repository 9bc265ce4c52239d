package pod

import (
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/target"
	"github.com/drainproof/drainproof/harness/wire"
)

func recognise(in []target.Recognise) []wire.Recognise {
	out := make([]wire.Recognise, 0, len(in))
	for _, r := range in {
		out = append(out, wire.Recognise(r))
	}
	return out
}

func streamEvents(in []target.StreamEvent) []wire.StreamEvent {
	var out []wire.StreamEvent
	for _, e := range in {
		out = append(out, wire.StreamEvent(e))
	}
	return out
}

func callback(in *target.Callback) *wire.Callback {
	if in == nil {
		return nil
	}
	return &wire.Callback{Reply: in.Reply, Failed: recognise(in.Failed)}
}

func poll(r *runtime.Resolved, in *target.Poll) *wire.Poll {
	if in == nil {
		return nil
	}
	out := wire.Poll(*in)
	out.URL, out.Header = r.Expand(in.URL), expandAll(r, in.Header)
	return &out
}
