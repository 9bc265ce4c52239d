package turn

import (
	"encoding/json"

	"go.etcd.io/bbolt"
)

// ReadAll returns every value of a bucket in the order of its keys; none when there
// is no such bucket.
func ReadAll[T any](db *bbolt.DB, bucket []byte) (all []T, err error) {
	err = db.View(func(tx *bbolt.Tx) error {
		values := tx.Bucket(bucket)
		if values == nil {
			return nil
		}
		return values.ForEach(func(_, stored []byte) error {
			var value T
			if err := json.Unmarshal(stored, &value); err != nil {
				return err
			}
			all = append(all, value)
			return nil
		})
	})
	return all, err
}

// PutJSON stores a value in a bucket, as JSON.
func PutJSON(bucket *bbolt.Bucket, key string, value any) error {
	content, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return bucket.Put([]byte(key), content)
}
