package main

import (
	"strings"
	"testing"
)

func TestSpread(t *testing.T) {
	for list, want := range map[string]string{
		"":         "",
		"abc":      "abc",
		"ABC":      "ABC",
		"abcdefAB": "abAcdBef",
		"XaYbc":    "aXbYc",
		"aBCDE":    "BCDEa",
	} {
		kind := func(s string) bool { return s == strings.ToUpper(s) }
		if got := strings.Join(spread(strings.Split(list, ""), kind), ""); got != want {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
	}
}
