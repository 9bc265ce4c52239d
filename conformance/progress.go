package conformance

import (
	"fmt"
	"os"

	"github.com/onsi/ginkgo/v2"
)

// ProgressEnv names the file to which steps are appended while the suite runs,
// one line each, by every process of it: what drainproof shows while it waits.
const ProgressEnv = "DRAINPROOF_PROGRESS"

// progress says where the suite is. Without a file the line is in Ginkgo's own
// output. One write of a short line on a file opened for appending is atomic, so
// several processes can share it.
func progress(who, step string) {
	path := os.Getenv(ProgressEnv)
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Fprintln(ginkgo.GinkgoWriter, "progress cannot be shown:", err)
		return
	}
	defer f.Close()
	fmt.Fprintf(f, "%-10s  %s\n", who, step)
}
