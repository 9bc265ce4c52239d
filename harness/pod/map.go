package pod

import (
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
