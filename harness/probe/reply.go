package probe

import (
	"crypto/rand"
	"encoding/hex"
	"hash/fnv"
	"regexp"
)

// tokenPattern is how a turn is recognised in the user's text.
var tokenPattern = regexp.MustCompile(`dp-[0-9a-f]{16}`)

const defaultReplyBytes = 64

// newToken names a turn. crypto/rand does not fail on a supported kernel.
func newToken() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return "dp-" + hex.EncodeToString(b[:])
}

// ReplyText is the model's reply to a turn: n bytes of plain ASCII that begin
// with the turn's token, or the token alone when n is smaller than it. It depends
// on nothing else, so that either end can tell a whole reply from a part of one,
// and one turn's reply from another's. It holds nothing that JSON or HTML would
// escape, and no white space that a gateway might trim.
func ReplyText(token string, n int) string {
	if n <= len(token) {
		return token
	}
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._"
	h := fnv.New64a()
	_, _ = h.Write([]byte(token))
	x := h.Sum64() | 1
	text := make([]byte, n)
	copy(text, token)
	for i := len(token); i < n; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		text[i] = alphabet[x>>32&63]
	}
	return string(text)
}
