package target

import (
	"strings"
	"testing"
)

func TestEnvironmentPlaceholders(t *testing.T) {
	lookup := func(name string) (string, bool) {
		v, ok := map[string]string{"IMAGE": "mine:1", "ODD": "a\"b", "FIELD": "x: y", "LIST": "a,b", "NOTE": "a #b", "ALIAS": "*a", "END": "a:"}[name]
		return v, ok
	}
	cases := map[string]struct{ in, out, problem string }{
		"filled in":      {"name: {{env.IMAGE}}\n", "name: mine:1\n", ""},
		"with spaces":    {"name: {{ env.IMAGE }} # x\n", "name: mine:1 # x\n", ""},
		"not in comment": {"  # {{env.NOTHING}}\nname: x\n", "  # {{env.NOTHING}}\nname: x\n", ""},
		"unset":          {"a: 1\nname: {{env.NOTHING}}\n", "", "f.yaml:2:7: {{env.NOTHING}} is used"},
		"odd value":      {"name: {{env.ODD}}\n", "", "f.yaml:1:7: the value of ODD"},
		"a field":        {"name: {{env.FIELD}}\n", "", "f.yaml:1:7: the value of FIELD"},
		"a list":         {"name: [{{env.LIST}}]\n", "", "f.yaml:1:8: the value of LIST"},
		"a comment":      {"name: {{env.NOTE}}\n", "", "f.yaml:1:7: the value of NOTE"},
		"an alias":       {"name: {{env.ALIAS}}\n", "", "f.yaml:1:7: the value of ALIAS"},
		"ends in colon":  {"name: {{env.END}}\n", "", "f.yaml:1:7: the value of END"},
		"none":           {"name: x\n", "name: x\n", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			out, problems := fillEnvironment("f.yaml", []byte(c.in), lookup)
			if c.problem != "" {
				if len(problems) != 1 || !strings.HasPrefix(problems.Error(), c.problem) {
					t.Fatalf("problems %v, want %q", problems, c.problem)
				}
				return
			}
			if len(problems) > 0 || string(out) != c.out {
				t.Fatalf("got %q, %v", out, problems)
			}
		})
	}
}
