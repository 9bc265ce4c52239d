package probe

import (
	"fmt"
	"regexp"

	"github.com/drainproof/drainproof/harness/wire"
)

// recogniser is one wire.Recognise, compiled.
type recogniser struct {
	status int
	header map[string]*regexp.Regexp
	json   map[string]*regexp.Regexp
	text   *regexp.Regexp
}

func compileAll(list []wire.Recognise) ([]recogniser, error) {
	var all []recogniser
	for i, spec := range list {
		r, err := compile(spec)
		if err != nil {
			return nil, fmt.Errorf("pattern %d: %w", i+1, err)
		}
		all = append(all, r)
	}
	return all, nil
}

func compile(spec wire.Recognise) (recogniser, error) {
	r := recogniser{status: spec.Status}
	if spec.Status == 0 && len(spec.Header) == 0 && len(spec.JSON) == 0 && spec.Text == "" {
		return r, fmt.Errorf("nothing is set, so it would match every answer")
	}
	var err error
	if r.header, err = compileMap(spec.Header); err != nil {
		return r, err
	}
	if r.json, err = compileMap(spec.JSON); err != nil {
		return r, err
	}
	if spec.Text != "" {
		r.text, err = regexp.Compile(spec.Text)
	}
	return r, err
}

func compileMap(patterns map[string]string) (map[string]*regexp.Regexp, error) {
	compiled := map[string]*regexp.Regexp{}
	for name, pattern := range patterns {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		compiled[name] = re
	}
	return compiled, nil
}

// matches says whether all that is set matches.
func (r recogniser) matches(a *answer) bool {
	if r.status != 0 && r.status != a.status {
		return false
	}
	for name, re := range r.header {
		if values := a.header.Values(name); len(values) == 0 || !re.MatchString(values[0]) {
			return false
		}
	}
	for path, re := range r.json {
		v, ok := lookup(a.json, path)
		if !ok || !re.MatchString(asText(v)) {
			return false
		}
	}
	return r.text == nil || r.text.Match(a.text)
}

func matchesAny(list []recogniser, a *answer) bool {
	for _, r := range list {
		if r.matches(a) {
			return true
		}
	}
	return false
}
