// Package conformance says what a drainable gateway must do, and checks it.
//
// requirements.yaml holds the requirements; each has an ID, a level and a text
// that texts.lock keeps from changing unnoticed. SPEC.md tells the same to people;
// go generate renders it.
// The specs are Ginkgo specs in ordinary files, one per point of the checklist
// (point_a_observe.go and so on) and one per family (family_watch.go and so on).
// The MARKER family lays the markers of a catalogue, which it is given by path and
// knows by its hash. A spec is a situation: it says what happens to
// a real, isolated gateway, in the checklist's own words. It does not judge
// alone: everything that happened is one history, and every history is judged by
// every monitor, so each spec looks for all faults.
//
// [Run] registers and runs the specs. `drainproof gate`, `go tool ginkgo -p
// ./conformance` and `go test ./conformance` all come here, and all read
// ginkgo.yaml.
//
//	func TestDrain(t *testing.T) {
//		conformance.Run(t, conformance.Config{File: "ginkgo.yaml"})
//	}
//
// That is also how a vendor runs the suite from its own go test, in a module of its own:
// one import, one call, and beside the test a ginkgo.yaml with the paths of the target
// file and of the catalogue of markers. The probe is built with the Go toolchain from where
// that keeps this module.
//
// The package reaches gateways only through harness/ and knows nothing of the
// reference gateway.
package conformance
