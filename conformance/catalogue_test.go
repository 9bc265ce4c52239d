package conformance

import (
	"slices"
	"testing"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/corpus"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/target"
)

const published = "../fixtures/markers/catalogue.yaml"

func catalogue(t *testing.T) *corpus.Corpus {
	t.Helper()
	c, err := corpus.Load(published)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestThePublishedCatalogueIsTheOneThatCertifies(t *testing.T) {
	if sum := catalogue(t).SHA256; sum != catalogueSHA256 {
		t.Errorf("the catalogue of markers has changed: say in CHANGELOG.md what gateways will notice, then make catalogueSHA256\n  %s", sum)
	}
}

// maxLot is how many markers a spec can lay before a gateway that takes B for every
// change gets into the spec's time limit.
const maxLot = 5

func TestEveryMarkerIsLaidByOneSpec(t *testing.T) {
	c := catalogue(t)
	laid := map[string]int{}
	for _, l := range lots() {
		markers := l.markers(c, false)
		if len(markers) == 0 || len(markers) > maxLot {
			t.Errorf("%s lays %d markers, and should lay 1 to %d", l.name, len(markers), maxLot)
		}
		if !slices.Contains(l.ids, l.tests) {
			t.Errorf("%s lays markers that test %s, and is not bound to it", l.name, l.tests)
		}
		for _, m := range markers {
			laid[m.ID]++
		}
	}
	for _, m := range c.Markers {
		if laid[m.ID] != 1 {
			t.Errorf("%s is laid by %d specs", m.ID, laid[m.ID])
		}
	}
}

func TestRootIsSparedWhatRootCanRead(t *testing.T) {
	s := &suite{markers: catalogue(t)}
	for _, l := range lots() {
		for _, m := range l.markers(s.markers, true) {
			if m.NotAsRoot {
				t.Errorf("%s lays %s for a gateway that runs as root", l.name, m.ID)
			}
		}
	}
	if all, some := s.badLooks(false), s.badLooks(true); len(all) != len(some)+1 || all[len(all)-1].Regular() {
		t.Errorf("bad looks: %v, as root %v", all, some)
	}
}

func TestAnotherCatalogueNeverCertifies(t *testing.T) {
	s := &suite{cfg: &config.Config{}, target: &target.Target{}}
	if s.relaxed() || len(s.whyNotCertifying()) > 0 || relaxed(&report.Report{}) {
		t.Error("a run that laid no markers does not certify")
	}
	for sum, other := range map[string]bool{catalogueSHA256: false, "another": true} {
		s.markers = &corpus.Corpus{SHA256: sum}
		r := &report.Report{Config: map[string]any{markersKey: sum}}
		if s.relaxed() != other || relaxed(r) != other || (len(s.whyNotCertifying()) > 0) != other {
			t.Errorf("%s: relaxed %t, as reported %t, want %t: %v", sum, s.relaxed(), relaxed(r), other, s.whyNotCertifying())
		}
	}
}

func TestTheCatalogueIsReadForTheFullProfile(t *testing.T) {
	for profile, read := range map[string]bool{config.ProfileGate: false, config.ProfileFull: true} {
		s := &suite{cfg: &config.Config{Profile: profile, Markers: published}}
		if err := s.loadMarkers(); err != nil || (s.markers != nil) != read {
			t.Errorf("%s: read %t, %v", profile, s.markers != nil, err)
		}
		s.cfg.Markers = "no-such-catalogue.yaml"
		if err := s.loadMarkers(); (err != nil) != read {
			t.Errorf("%s: a catalogue that is missing: %v", profile, err)
		}
	}
}
