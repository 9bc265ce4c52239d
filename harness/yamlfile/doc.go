// Package yamlfile reads a YAML file a person wrote and, when something is
// wrong with it, tells that person everything that is wrong, each problem on one
// line with file, line, column and what to do next.
//
// Target files and the suite's configuration share it. The order is always the
// same: parse (the first syntax error ends it), validate against a JSON Schema
// (draft 2020-12), decode what survived into a struct, and let the caller add
// its own problems to the same list:
//
//	doc, err := yamlfile.LoadStrict(path, schema, &t)
//	if err != nil {
//		return err // missing, empty or not YAML
//	}
//	if t.Ports["a"] == t.Ports["b"] {
//		doc.Report(yamlfile.At("ports", "b"), "port twice", "give each its own")
//	}
//	return doc.Err()
//
// Values with a schema problem reach the struct as zero values, so that the
// caller's own checks can run on the rest and all problems come out at once.
//
// Anchors, aliases, merge keys and tags are refused: a file that describes what
// is certified should read the same to everybody.
//
// It imports nothing of the project.
package yamlfile
