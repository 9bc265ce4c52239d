package dashboard

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
)

// What a secret must have at least (CONTROL-006). 32 random bytes in base64 have
// it: 43 characters, some 30 of them different, some 200 bits.
const (
	MinLength   = 43  // characters
	MinDistinct = 16  // different ones
	MinEntropy  = 128 // bits of Shannon entropy, over all of it
)

// Strength says what is weak about a secret, and nothing of the secret itself.
func Strength(secret string) error {
	if secret == "" {
		return errors.New("no secret is set")
	}
	length, counts := 0, map[rune]int{}
	for _, char := range secret {
		length++
		counts[char]++
	}
	var bits float64
	for _, n := range counts {
		bits += float64(n) * math.Log2(float64(length)/float64(n))
	}
	switch {
	case length < MinLength:
		return fmt.Errorf("the secret has %d characters, fewer than %d", length, MinLength)
	case len(counts) < MinDistinct:
		return fmt.Errorf("the secret has %d different characters, fewer than %d", len(counts), MinDistinct)
	case bits < MinEntropy:
		return fmt.Errorf("the secret has %.0f bits of Shannon entropy, fewer than %d", bits, MinEntropy)
	}
	return nil
}

// Verifier says whose a token is.
type Verifier interface {
	Verify(token string) (principal string, ok bool)
}

// Token is the Verifier of one secret, and of the one it stands for.
type Token struct {
	Secret    string
	Principal string
}

// Verify compares in a time that tells nothing of the secret, its length included.
func (t Token) Verify(token string) (string, bool) {
	given, own := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(t.Secret))
	if subtle.ConstantTimeCompare(given[:], own[:]) != 1 {
		return "", false
	}
	return t.Principal, true
}

// bearer takes the token out of a request; "" when it has none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
