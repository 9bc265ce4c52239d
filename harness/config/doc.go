// Package config reads ginkgo.yaml, the suite's one configuration file: which
// gateway is tested, by which runtime, how thoroughly, and where the report goes.
//
// The file is found upward from the working directory, so that drainproof,
// go tool ginkgo and go test all honour the same one; what each of them takes
// from it is said in the file itself. A few environment variables override it
// (see [Environment]); what was overridden is remembered and reported.
//
// Errors are those of package yamlfile: every problem, one line each, with file,
// line, column and what to do. It imports yamlfile and nothing else of the project.
package config
