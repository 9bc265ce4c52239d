package conformance

import (
	"fmt"
	"os"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/runtime"
)

// ImageOf is what a gateway is run from; nil for a process.
func ImageOf(p runtime.Prepared) *report.Image {
	if p.ImageID == "" {
		return nil
	}
	return &report.Image{Name: p.ImageName, ID: p.ImageID, Digest: p.ImageDigest, Sidecars: p.SidecarImages}
}

// suiteOf names the programs of this run: this one, and the probe.
func suiteOf(probe string) (*report.Suite, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("the suite does not find its own program: %w", err)
	}
	suite, err := history.SHA256(self)
	if err != nil {
		return nil, fmt.Errorf("the suite's own program: %w", err)
	}
	sum, err := history.SHA256(probe)
	if err != nil {
		return nil, fmt.Errorf("the probe's program: %w", err)
	}
	return report.SuiteOf(suite, sum), nil
}
