package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// tailProgress copies the steps that the suite's processes append to a file to
// w, with the time since start, until ctx ends and the file is read to its end.
func tailProgress(ctx context.Context, path string, w io.Writer, start time.Time) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o644)
	if err != nil {
		fmt.Fprintln(w, "progress cannot be shown:", err)
		return
	}
	defer f.Close()
	r := bufio.NewReader(f)
	rest := ""
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for last := false; ; {
		for {
			part, err := r.ReadString('\n')
			rest += part
			if err != nil {
				break // the line is not finished yet
			}
			fmt.Fprintf(w, "%6.1fs  %s\n", time.Since(start).Seconds(), strings.TrimRight(rest, "\n"))
			rest = ""
		}
		if last {
			return
		}
		select {
		case <-ctx.Done():
			last = true
		case <-tick.C:
		}
	}
}
