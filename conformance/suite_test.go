package conformance

import "testing"

func TestDrain(t *testing.T) {
	Run(t, Config{})
}
