package conformance

import (
	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/corpus"
	"github.com/drainproof/drainproof/harness/report"
)

// catalogueSHA256 is the hash of fixtures/markers/catalogue.yaml: the markers this
// version of the contract is judged with. A run with others is worth having, but
// certifies nothing: what they ask for is whatever their author liked.
const catalogueSHA256 = "8a255c3e2c2d30086a655e2eb7523631913c8bc8b46cc17f74b116273d71a796"

// markersKey is where a report's configuration names the hash of the catalogue.
const markersKey = "markers_sha256"

// loadMarkers reads the catalogue of hostile markers where the profile asks for it.
func (s *suite) loadMarkers() (err error) {
	if s.cfg.Profile == config.ProfileFull {
		s.markers, err = corpus.Load(s.cfg.Markers)
	}
	return err
}

// otherMarkers says whether the run was made with another catalogue.
func (s *suite) otherMarkers() bool {
	return s.markers != nil && s.markers.SHA256 != catalogueSHA256
}

// otherMarkers is the same question to a report. One of everything names its catalogue.
func otherMarkers(r *report.Report) bool {
	sum, named := r.Config[markersKey]
	return (named || r.Profile == report.ProfileFull) && sum != catalogueSHA256
}

// whyNotCertifying lists what in this run keeps it from certifying.
func (s *suite) whyNotCertifying() []string {
	why := s.cfg.WhyNotCertifying()
	if s.otherMarkers() {
		why = append(why, "the catalogue of markers is not the published one (markers: "+s.cfg.Markers+")")
	}
	return why
}
