// Package cli is the gateway's command line:
//
//	gateway run                                    the gateway
//	gateway dashboard                              its status over HTTP
//	gateway drain begin|cancel|status|wait|epoch   for operators
//
// Logs go to standard error as JSON lines, answers to standard output. A mistake
// of the user's ends with one line that says what to do, and exit code 2.
package cli
