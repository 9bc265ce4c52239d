// Package certificate makes, signs and checks certificates: an in-toto statement with
// the test-result predicate over a gateway's image, in a DSSE envelope.
//
// What a certificate proves: whoever holds the key says that this image was judged so, by
// this suite, with these bounds, on these histories; and the histories, judged again, say
// the same. What it cannot prove: that the histories were really observed. Whoever holds
// the key could have made them up. Hence a verifier names the keys it trusts, may demand a
// nonce that it issued itself, and can always run the suite again.
//
// Nothing that is read is trusted: sizes are bounded, names stay below their folder, and
// what is not understood is refused.
package certificate
