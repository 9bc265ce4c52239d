package e2e_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// browser opens a real Chromium without a window, and closes it with the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("there is no Chromium; ./scripts/setup-chromium installs one")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// The report opens in a browser without a network, filters, and shows where a rule was
// broken; also on a phone, in the dark, by keyboard and on paper.
func TestReportInABrowser(t *testing.T) {
	ctx := browser(t)
	dir := report(t)
	drainproof(t, "gate", "--fault", "slow-cancel", "--runtime", "process", "--observe", "500ms", "--label-filter", "point:d",
		"--report", dir, "--retry-incomplete", "2").must(t, 1, "WATCH-002")
	var asked []string
	err := chromedp.Listen(ctx, func(ev any) {
		if r, ok := ev.(*network.EventRequestWillBeSent); ok && !strings.HasPrefix(r.Request.URL, "file://") {
			asked = append(asked, r.Request.URL)
		}
	})
	run := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatal(err)
		}
	}
	eval := func(script string) any {
		t.Helper()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[any](script))
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		return got
	}
	is := func(what, script string, want any) {
		t.Helper()
		if got := eval(script); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	media := func(p emulation.SetEmulatedMediaParams) {
		t.Helper()
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, p); err != nil {
			t.Fatal(err)
		}
	}
	if err == nil {
		_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	}
	if err != nil {
		t.Fatal(err)
	}
	run(chromedp.EmulateViewport(1200, 900), chromedp.Navigate("file://"+filepath.Join(dir, "report.html")), chromedp.WaitVisible("#verdict"))
	is("the verdict", `document.querySelector("#verdict strong").textContent`, "non-conformant")
	is("the gravest comes first", `document.querySelector("#rows > li").id`, "WATCH-002")
	is("the check that failed is open", `document.querySelector("details.check").open`, true)

	// The picture of the check that failed points at the breach, inside the picture.
	is("the breach is drawn", `(() => { const s = document.querySelector("details[open] svg.timeline"), b = s.querySelector(".breach").getBoundingClientRect(), r = s.getBoundingClientRect();
		return b.height > 20 && b.left >= r.left && b.right <= r.right && s.querySelector(".breach title").textContent.startsWith("WATCH-002") })()`, true)
	is("what proves it is ringed", `document.querySelectorAll("details[open] svg.timeline .proof").length > 1`, true)
	is("states are drawn", `document.querySelectorAll("details[open] svg.timeline .state-draining").length > 0`, true)

	run(chromedp.SetValue("#by-verdict", "fail"))
	eval(`filters.dispatchEvent(new Event("input", {bubbles: true}))`)
	is("filtered by verdict", `[...document.querySelectorAll("#rows > li")].filter(r => r.offsetParent !== null).map(r => r.id).join(" ")`, "WATCH-002")
	run(chromedp.Click(`#filters button[type="reset"]`))
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](`document.querySelectorAll("#rows > li[hidden]").length === 0`)); err != nil {
		t.Errorf("a reset does not show all again: %v", err)
	}

	// By keyboard alone: on to the search, and something typed.
	run(chromedp.Focus("#by-family"), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent("state-005"))
	is("the search has the keyboard", `document.activeElement.id`, "by-text")
	is("filtered by text", `(() => { const r = [...document.querySelectorAll("#rows > li:not([hidden])")]; return r.length > 0 && r.every(r => r.textContent.includes("STATE-005")) })()`, true)
	is("the focus is visible", `getComputedStyle(document.activeElement).outlineStyle`, "solid")
	run(chromedp.Focus("details.check summary"), chromedp.KeyEvent(kb.Enter))
	is("a check closes by keyboard", `document.querySelector("details.check").open`, false)
	run(chromedp.KeyEvent(kb.Enter), chromedp.Click(`#filters button[type="reset"]`))

	run(chromedp.EmulateViewport(375, 700))
	is("nothing is wider than a phone", `document.documentElement.scrollWidth <= 375`, true)
	is("the picture can be moved", `(() => { const s = document.querySelector("details[open] .scroll"); return s.scrollWidth > s.clientWidth })()`, true)

	run(chromedp.EmulateViewport(1200, 900))
	const ground = `getComputedStyle(document.body).backgroundColor`
	media(emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}}})
	light := eval(ground)
	media(emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
	if dark := eval(ground); light == dark {
		t.Errorf("it is as bright in the dark: %v", dark)
	}

	media(emulation.SetEmulatedMediaParams{Media: "print"})
	is("no filters on paper", `getComputedStyle(document.getElementById("filters")).display`, "none")
	if paper, err := chromedp.Run(ctx, chromedp.PrintToPDF()); err != nil || len(paper) < 10_000 {
		t.Errorf("printed on %d bytes: %v", len(paper), err)
	}
	if len(asked) > 0 {
		t.Errorf("it asks the network for %v", asked)
	}
}
