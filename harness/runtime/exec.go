package runtime

import (
	"fmt"
	"strings"
)

// ExecError is what became of a program that [Pod.Exec] ran and that ended with
// another exit code than 0; nil when it was 0. Last are its last words.
func ExecError(command []string, code int, last []string) error {
	if code == 0 {
		return nil
	}
	said := "it said nothing"
	if len(last) > 0 {
		said = "its last words: " + strings.Join(last, " | ")
	}
	return fmt.Errorf("%q ended with exit code %d; %s", strings.Join(command, " "), code, said)
}
