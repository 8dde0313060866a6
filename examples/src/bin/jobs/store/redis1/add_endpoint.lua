-- ARGV[1] the account  [2] the endpoint; the most [3] of one account and [4] accounts.
local text = redis.call('HGET', ENDPOINTS, ARGV[1])
local known, endpoint = text and cjson.decode(text) or {}, cjson.decode(ARGV[2])
for _, other in ipairs(known) do
  if other.id == endpoint.id then
    return 1
  end
end
if #known >= tonumber(ARGV[3]) or not text and redis.call('HLEN', ENDPOINTS) >= tonumber(ARGV[4]) then
  return 0
end
known[#known + 1] = endpoint
redis.call('HSET', ENDPOINTS, ARGV[1], cjson.encode(known))
return 1
