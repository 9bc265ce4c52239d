package certificate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/drainproof/drainproof/harness/report"
)

// maxCertificate is many times what a certificate takes.
const maxCertificate = 4 << 20

// ErrSignature is the cause where none of the trusted keys signed a certificate.
var ErrSignature = errors.New("not signed by a trusted key")

// Write signs the statement and keeps it in the report's folder. What was written is read
// again and checked before it is called done.
func Write(ctx context.Context, dir string, s *Statement, k Key) error {
	if !k.private {
		return fmt.Errorf("%s is a public key; a certificate is signed with the private one", k.Path)
	}
	payload, err := s.encode()
	if err != nil {
		return err
	}
	signer, err := dsse.NewEnvelopeSigner(k.SignerVerifier)
	if err != nil {
		return fmt.Errorf("%s cannot sign: %w", k.Path, err)
	}
	envelope, err := signer.SignPayload(ctx, PayloadType, payload)
	if err != nil {
		return fmt.Errorf("the certificate cannot be signed with %s: %w", k.Path, err)
	}
	raw, err := json.MarshalIndent(envelope, "", "  ")
	if err != nil {
		return fmt.Errorf("the certificate cannot be written as JSON: %w", err)
	}
	path := filepath.Join(dir, FileName)
	if err := report.Replace(path, append(raw, '\n')); err != nil {
		return fmt.Errorf("the certificate cannot be kept: %w", err)
	}
	_, _, err = Open(ctx, path, []Key{k})
	return err
}

// Open reads a certificate that one of the keys signed; the key is the second result. The
// error is ErrSignature where none of them did.
func Open(ctx context.Context, path string, trusted []Key) (*Statement, Key, error) {
	raw, err := readBounded(path, maxCertificate)
	if err != nil {
		return nil, Key{}, err
	}
	var e dsse.Envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, Key{}, fmt.Errorf("%s is no DSSE envelope: %w", path, err)
	}
	if e.PayloadType != PayloadType {
		return nil, Key{}, fmt.Errorf("%s holds %q, not an in-toto statement", path, e.PayloadType)
	}
	var payload []byte
	var by Key
	for _, k := range trusted {
		v, err := dsse.NewEnvelopeVerifier(k.SignerVerifier)
		if err != nil {
			return nil, Key{}, fmt.Errorf("%s cannot check: %w", k.Path, err)
		}
		if _, body, err := v.VerifyAndDecode(ctx, &e); err == nil {
			payload, by = body, k
			break
		}
	}
	if payload == nil {
		return nil, Key{}, fmt.Errorf("%w: %s", ErrSignature, path)
	}
	s, err := decode(payload)
	if err != nil {
		return nil, Key{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, by, nil
}
