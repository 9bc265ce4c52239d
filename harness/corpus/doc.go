// Package corpus reads the hostile markers: the contents, shapes and ways of
// writing a gateway must not stumble over, each with what must become of the
// gateway that meets it. The markers lie in a catalogue, a YAML file that the
// harness is given by path; large contents are described in it, not stored.
//
//	c, err := corpus.Load("fixtures/markers/catalogue.yaml")
//	if err != nil {
//		return err // every problem, with file and line
//	}
//	for _, m := range c.For("MARKER-004") {
//		err = gw.LayMarker(ctx, m)
//	}
//
// It imports history, wire and yamlfile, and nothing else of the project.
package corpus
