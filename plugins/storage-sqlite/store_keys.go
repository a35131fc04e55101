package sqlitestore

import (
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// dropStep is how many rows one transaction deletes at most while it drops the cursors of a store key.
const dropStep = 1000

// know sets c.follower to the row of the claim's store key, and notes that this store key was claimed
// last. It inserts the row if there is none. If the tenant has sdk.MaxStoreKeys others, know first
// drops the cursors of one of them. It does so in steps: it then sets c.again, and the next transaction
// goes on. A Claim of kind ClaimForget inserts a row only if cursors of the tenant were dropped before.
func (c *claimRun) know(tx *session, life int64) (err error) {
	if c.follower, err = findFollower(tx, life, c.StoreKey); err != nil {
		return err
	}
	if c.follower != nil {
		_, err = tx.exec(`UPDATE followers SET used = 1 + (SELECT max(used) FROM followers WHERE life = ?1)
			WHERE id = ?2 AND used < (SELECT max(used) FROM followers WHERE life = ?1)`, life, c.follower.id)
		return err
	}
	lost, err := c.lost(tx)
	if err != nil || c.Kind == storage.ClaimForget && !lost {
		return err
	}
	var id, count int64
	var gone string
	found, err := tx.get([]any{&id, &gone}, "SELECT id, store_key FROM followers WHERE life = ? AND used = 0", life)
	if err != nil {
		return err
	}
	if c.again = found; found {
		return c.dropSome(tx, id, gone)
	}
	if _, err := tx.get([]any{&count}, "SELECT count(*) FROM followers WHERE life = ?", life); err != nil {
		return err
	}
	if c.again = count >= sdk.MaxStoreKeys; c.again {
		return c.beginDrop(tx, life)
	}
	if lost {
		if err := c.mustForgetAll(tx, c.StoreKey); err != nil {
			return err
		}
	}
	c.follower = &follower{life: life}
	_, err = tx.get([]any{&c.follower.id}, `INSERT INTO followers (life, store_key, used)
		SELECT ?1, ?2, 1 + coalesce((SELECT max(used) FROM followers WHERE life = ?1), 0) RETURNING id`, life, c.StoreKey)
	return err
}

// lost reports whether cursors of a store key were dropped in the call's incarnation of the tenant. A
// row of the table forgets without a store key says so.
func (c *claimRun) lost(tx *session) (bool, error) {
	return c.hasAll(tx, "")
}

// mustForgetAll notes that all data of the tenant must be forgotten for the store key.
func (c *claimRun) mustForgetAll(tx *session, storeKey string) error {
	_, err := tx.exec(`INSERT OR IGNORE INTO forgets (tenant, life, store_key, conversation, incarnation, user) VALUES (?, ?, ?, '', '', '')`,
		c.Call.Tenant, c.Call.Incarnation, storeKey)
	return err
}

// hasAll reports whether all data of the tenant must be forgotten for the store key.
func (c *claimRun) hasAll(tx *session, storeKey string) (bool, error) {
	return tx.get([]any{new(int64)}, `SELECT 1 FROM forgets WHERE tenant = ? AND life = ? AND store_key = ? AND conversation = '' AND incarnation = '' AND user = ''`,
		c.Call.Tenant, c.Call.Incarnation, storeKey)
}

// beginDrop chooses the store key whose cursors are dropped: of those of which nobody holds a cursor,
// the one that was claimed least recently. It returns fault.Conflict if somebody holds a cursor of each
// store key.
func (c *claimRun) beginDrop(tx *session, life int64) error {
	var id int64
	found, err := tx.get([]any{&id}, `SELECT f.id FROM followers f WHERE f.life = ?1 AND f.until <= ?2
			AND NOT EXISTS (SELECT 1 FROM cursors k WHERE k.follower = f.id AND k.behind IN (0, 1) AND k.until > ?2)
			AND NOT EXISTS (SELECT 1 FROM forgets g WHERE g.tenant = ?3 AND g.life = ?4 AND g.store_key = f.store_key AND g.until > ?2)
		ORDER BY f.used LIMIT 1`, life, c.now, c.Call.Tenant, c.Call.Incarnation)
	if err != nil {
		return err
	}
	if !found {
		return fault.New(fault.Conflict, "others hold cursors of all %d store keys that the tenant may have", sdk.MaxStoreKeys).
			At("store_key").After(time.Second)
	}
	if err := c.mustForgetAll(tx, ""); err != nil {
		return err
	}
	_, err = tx.exec("UPDATE followers SET used = 0 WHERE id = ?", id)
	return err
}

// dropSome deletes some rows of a store key. It deletes the cursors first, then what must be forgotten,
// and its own row last. Meanwhile, a deletion of conversations adds only rows of what must be
// forgotten, so the cursors stay deleted.
func (c *claimRun) dropSome(tx *session, id int64, storeKey string) error {
	n, err := tx.exec("DELETE FROM cursors WHERE id IN (SELECT id FROM cursors WHERE follower = ? LIMIT ?)", id, dropStep)
	if n > 0 || err != nil {
		return err
	}
	n, err = tx.exec("DELETE FROM forgets WHERE id IN (SELECT id FROM forgets WHERE tenant = ? AND life = ? AND store_key = ? LIMIT ?)",
		c.Call.Tenant, c.Call.Incarnation, storeKey, dropStep)
	if n > 0 || err != nil {
		return err
	}
	_, err = tx.exec("DELETE FROM followers WHERE id = ?", id)
	return err
}
