package certificate

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/secure-systems-lab/go-securesystemslib/signerverifier"
)

// Key signs, or checks, certificates: Ed25519, ECDSA or RSA in PEM (PKCS #8, PKIX).
type Key struct {
	dsse.SignerVerifier
	Path    string
	private bool
}

// maxKey is more than any key in PEM takes.
const maxKey = 64 << 10

// LoadKey reads a private or a public key.
func LoadKey(path string) (Key, error) {
	raw, err := readBounded(path, maxKey)
	if err != nil {
		return Key{}, fmt.Errorf("the key cannot be read: %w", err)
	}
	k, err := signerverifier.LoadKey(raw)
	if err != nil {
		return Key{}, fmt.Errorf("%s is no key in PEM (%w); make a pair with 'drainproof key new'", path, err)
	}
	key := Key{Path: path, private: k.KeyVal.Private != ""}
	switch k.KeyType {
	case signerverifier.ED25519KeyType:
		key.SignerVerifier, err = signerverifier.NewED25519SignerVerifierFromSSLibKey(k)
	case signerverifier.ECDSAKeyType:
		key.SignerVerifier, err = signerverifier.NewECDSASignerVerifierFromSSLibKey(k)
	case signerverifier.RSAKeyType:
		key.SignerVerifier, err = signerverifier.NewRSAPSSSignerVerifierFromSSLibKey(k)
	default:
		err = fmt.Errorf("keys of type %q are not used here", k.KeyType)
	}
	if err != nil {
		return Key{}, fmt.Errorf("%s cannot be used: %w", path, err)
	}
	return key, nil
}

// Private says whether the key can sign.
func (k Key) Private() bool { return k.private }

// Fingerprint names the key where people compare it.
func (k Key) Fingerprint() string {
	id, err := k.KeyID()
	if err != nil {
		return "a key without a name"
	}
	return id
}

// NewKeyPair makes an Ed25519 pair: the private key in the file name, which only its
// owner can read, and the public one in name.pub. Neither may be there already.
func NewKeyPair(name string) (err error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("no key can be made: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("the private key cannot be written: %w", err)
	}
	open, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return fmt.Errorf("the public key cannot be written: %w", err)
	}
	if err := writeNew(name+".pub", "PUBLIC KEY", open, 0o644); err != nil {
		return err
	}
	if err := writeNew(name, "PRIVATE KEY", secret, 0o600); err != nil {
		return errors.Join(err, os.Remove(name+".pub"))
	}
	return nil
}

func writeNew(path, kind string, der []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already, and a key that is lost cannot be had again; name another file", path)
	}
	if err != nil {
		return fmt.Errorf("the key cannot be kept: %w", err)
	}
	return errors.Join(pem.Encode(f, &pem.Block{Type: kind, Bytes: der}), f.Close())
}

// readBounded reads a regular file that must not be larger than most.
func readBounded(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path) // before it is opened: a pipe would be waited for
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(raw)) > most {
		err = fmt.Errorf("%s is larger than %d bytes", path, most)
	}
	return raw, err
}
