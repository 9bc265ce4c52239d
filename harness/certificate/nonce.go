package certificate

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/report"
)

// Nonces are the nonces that a verifier issued: a certificate that carries one was made
// after it was asked for, and no other certificate can be shown in its place.
type Nonces struct {
	Schema int     `json:"schema"`
	Nonces []Nonce `json:"nonces"`
}

// Nonce is one of them.
type Nonce struct {
	Nonce   string    `json:"nonce"`
	For     string    `json:"for"` // whom it was given to
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`         // a certificate must have been shown by then
	Used    string    `json:"used,omitempty"`  // SHA-256 of the certificate that has it
	Place   string    `json:"place,omitempty"` // in the collection, of the submission that it was used up by
}

// maxNonces is the size of the largest ledger that is read, in bytes.
const maxNonces = 16 << 20

// IssueNonce makes a nonce and remembers it in the ledger, which is made if missing.
func IssueNonce(ledger, whom string, now time.Time, valid time.Duration) (Nonce, error) {
	n := Nonce{Nonce: rand.Text(), For: whom, Issued: now.UTC().Truncate(time.Second), Expires: now.Add(valid).UTC().Truncate(time.Second)}
	return n, change(ledger, true, func(l *Nonces) error {
		l.Nonces = append(l.Nonces, n)
		return nil
	})
}

// UseNonce says what speaks against a certificate with this nonce, and notes in the ledger
// that it was shown where nothing does. The same certificate may be shown again, but not
// handed in as something else: place is where it is handed in, "" where it is only looked
// at. The error says that the ledger can't be used.
func UseNonce(ledger, nonce, whom, certificate, place string, now time.Time) ([]report.Difference, error) {
	raw, err := readBounded(certificate, maxCertificate)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	hash := hex.EncodeToString(sum[:])
	var against string
	err = change(ledger, false, func(l *Nonces) error {
		i := slices.IndexFunc(l.Nonces, func(n Nonce) bool { return n.Nonce == nonce && nonce != "" })
		if i < 0 {
			against = fmt.Sprintf("the nonce %q was never issued in %s", nonce, ledger)
			return errUnchanged
		}
		switch n := &l.Nonces[i]; {
		case whom != "" && n.For != whom:
			against = fmt.Sprintf("the nonce %q was issued to %s, not to %s", nonce, n.For, whom)
		case n.Used != "" && n.Used != hash:
			against = fmt.Sprintf("the nonce %q was used already, by the certificate %s", nonce, n.Used)
		case n.Used == hash && place != "" && n.Place == "":
			n.Place = place
			return nil
		case n.Used == hash && place != "" && n.Place != place:
			against = fmt.Sprintf("the nonce %q was used already, for %s, by the same certificate", nonce, n.Place)
		case n.Used == hash:
		case !now.Before(n.Expires):
			against = fmt.Sprintf("the nonce %q was good until %s", nonce, stamp(n.Expires))
		default:
			n.Used, n.Place = hash, place
			return nil
		}
		return errUnchanged
	})
	if errors.Is(err, errUnchanged) {
		err = nil
	}
	if against != "" {
		return []report.Difference{{Kind: "nonce", What: against}}, err
	}
	return nil, err
}

var errUnchanged = errors.New("unchanged")

// change reads the ledger, has it changed, and writes it as a whole, one process at a time.
func change(path string, create bool, do func(*Nonces) error) error {
	dir, err := os.Open(filepath.Dir(path)) // the file itself is replaced
	if err != nil {
		return fmt.Errorf("the ledger of nonces cannot be used: %w", err)
	}
	defer dir.Close()
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("the ledger of nonces cannot be locked: %w", err)
	}
	l := &Nonces{Schema: 1}
	raw, err := readBounded(path, maxNonces)
	switch {
	case err == nil:
		if err := json.Unmarshal(raw, l); err != nil {
			return fmt.Errorf("%s is no ledger of nonces: %w", path, err)
		}
		if l.Schema != 1 {
			return fmt.Errorf("%s is a ledger of nonces of schema %d; this program reads 1", path, l.Schema)
		}
	case errors.Is(err, os.ErrNotExist) && create:
	default:
		return fmt.Errorf("the ledger of nonces cannot be read: %w; 'drainproof nonce issue' makes one", err)
	}
	if err := do(l); err != nil {
		return err
	}
	if raw, err = json.MarshalIndent(l, "", "  "); err != nil {
		return fmt.Errorf("the ledger of nonces cannot be written as JSON: %w", err)
	}
	return report.Replace(path, append(raw, '\n'))
}
