// Package target reads the file with which a vendor describes a gateway: how it
// is run, where its ways in are and how their answers are recognised, where it
// publishes its state, what it declares to support. A target file only maps
// names; the suite writes the marker and computes the verdicts.
//
// The file is YAML, validated against target.schema.json; every error says the
// file, the line, the column and what to do.
package target
