package redact

import "testing"

func TestText(t *testing.T) {
	for name, c := range map[string]struct {
		secrets    []string
		text, want string
	}{
		"none":                       {nil, "the key", "the key"},
		"an empty one":               {[]string{""}, "the key", "the key"},
		"one, twice":                 {[]string{"key"}, "key by key", "[redacted] by [redacted]"},
		"one that begins as another": {[]string{"key", "key-two"}, "key-two", "[redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := New(c.secrets).Text(c.text); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
