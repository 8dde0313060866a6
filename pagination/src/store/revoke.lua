-- KEYS[1] the owner's generation. Not DEL, which takes away what is none.
redis.call('GETDEL', KEYS[1])
return 1
