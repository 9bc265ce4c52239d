package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Difference is something that a report or a certificate says, and that is not so.
type Difference struct {
	Kind string // one word by which a program can tell what sort of thing it is: hash, verdict, missing-check, ...
	What string // for people
}

// String is the difference as one printable line: what it tells of comes from a folder that
// nobody vouches for.
func (d Difference) String() string { return d.Kind + ": " + clean(d.What) }

// Plain is text that came from elsewhere as one printable line.
func Plain(s string) string { return clean(s) }

// SuiteOf names a suite by its two programs.
func SuiteOf(suite, probe string) *Suite {
	sum := sha256.Sum256(fmt.Appendf(nil, "suite %s\nprobe %s\n", suite, probe))
	return &Suite{SHA256: hex.EncodeToString(sum[:]), Suite: suite, Probe: probe}
}
