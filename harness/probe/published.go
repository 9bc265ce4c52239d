package probe

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// maxPublished bounds a publication: a state of two fields has no need of more.
const maxPublished = 1 << 20

func canonical(state string) bool {
	switch state {
	case history.Starting, history.Running, history.Draining, history.Stopping, history.Stopped:
		return true
	}
	return false
}

// parsePublished reads a publication's content (STATE-001: whole, parseable, a
// known state, an integer count that is not negative). What can be read is
// filled in even when something else is wrong.
func parsePublished(spec *wire.Publication, data []byte) history.State {
	s := history.State{Publication: spec.Name}
	doc, err := decodeJSON(data)
	if err != nil {
		s.Problem = history.ProblemUnparseable
		s.Error = fmt.Sprintf("%d bytes are no JSON: %v: %s", len(data), err, excerpt(data))
		return s
	}
	s.Busy, s.Drainable = derived(doc, spec.Busy), derived(doc, spec.Drainable)
	var wrong string
	count, ok := lookup(doc, spec.Count)
	if n, whole := asCount(count); ok && whole {
		s.Count = n
	} else {
		wrong = fmt.Sprintf("%s is %s, not an integer >= 0", spec.Count, describe(count, ok))
	}
	word, ok := lookup(doc, spec.State)
	published, isText := word.(string)
	switch {
	case !ok || !isText:
		s.Problem = history.ProblemWrongType
		s.Error = fmt.Sprintf("%s is %s, not a string", spec.State, describe(word, ok))
		return s
	case spec.States[published] != "":
		s.State = spec.States[published]
	case len(spec.States) == 0 && canonical(published):
		s.State = published
	default:
		s.Raw = published
		s.Problem = history.ProblemUnknownState
		s.Error = fmt.Sprintf("%s is %q, which is no known state", spec.State, published)
	}
	if wrong != "" {
		s.Problem, s.Error = history.ProblemWrongType, wrong
	}
	return s
}

// asCount takes any JSON number that is a whole, small enough and not negative.
func asCount(v any) (int, bool) {
	num, ok := v.(json.Number)
	if !ok || len(num) > 32 { // longer ones could be a big exponent in disguise
		return 0, false
	}
	if f, err := num.Float64(); err != nil || f < 0 || f > 1<<40 {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(num.String())
	if !ok || !r.IsInt() || r.Sign() < 0 || !r.Num().IsInt64() {
		return 0, false
	}
	return int(r.Num().Int64()), true
}

// derived is what a publication says of itself in a field that is true or false, or
// what stands in its place; "" where nobody looks for it.
func derived(doc any, path string) string {
	if path == "" {
		return ""
	}
	v, there := lookup(doc, path)
	if is, ok := v.(bool); ok {
		return strconv.FormatBool(is)
	}
	return describe(v, there)
}

func describe(v any, there bool) string {
	if !there {
		return "missing"
	}
	return excerpt([]byte(asText(v)))
}

func excerpt(b []byte) string {
	if len(b) > 120 {
		return fmt.Sprintf("%q...", b[:120])
	}
	return fmt.Sprintf("%q", b)
}
