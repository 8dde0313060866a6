-- ARGV[1] the account  [2] `newest` or `oldest`  [3] the place before, or nothing  [4] how many.
sweep()
local first, last = '[' .. ARGV[1] .. '/', '[' .. ARGV[1] .. '/~'
local after = ARGV[3] ~= '' and '(' .. ARGV[3]
local places
if ARGV[2] == 'newest' then
  places = redis.call('ZREVRANGEBYLEX', INDEX, after or last, first, 'LIMIT', 0, ARGV[4])
else
  places = redis.call('ZRANGEBYLEX', INDEX, after or first, last, 'LIMIT', 0, ARGV[4])
end
local jobs = {}
for _, at in ipairs(places) do
  local record = find(string.match(at, '[^/]+$'))
  if record then
    jobs[#jobs + 1] = cjson.encode(record.job)
  end
end
return jobs
