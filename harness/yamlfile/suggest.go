package yamlfile

import "strings"

// Nearest returns the candidate that got was most likely meant to be, or "".
// Case, '-' and '_' don't count, so that session_header finds sessionHeader.
func Nearest(got string, candidates []string) string {
	g := flatten(got)
	best, bestDistance := "", 1+limit(g)
	for _, c := range candidates {
		if d := distance(g, flatten(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// limit is how many typing mistakes are forgiven: one in three characters.
func limit(s string) int {
	return min(3, max(1, len([]rune(s))/3))
}

func flatten(s string) string {
	return strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.ToLower(s))
}

// distance counts insertions, deletions, substitutions and swaps of neighbours.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if abs(len(x)-len(y)) > 3 {
		return 4 // beyond any limit; also keeps hostile input cheap
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(x)][len(y)]
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
