-- Ends a lease: the message was delivered, is to be tried again, or is given up.
--
-- ARGV[1] the endpoint  ARGV[2] the message  ARGV[3] the token  ARGV[4] the attempt or nothing
-- ARGV[5] the state  ARGV[6] how long it is in it, us  ARGV[7] the reason  ARGV[8] the attempt: 0 was not begun, 1 counts, 2 is lost
-- ARGV[9] what it means for the endpoint: 0 nothing, 1 a failure, 2 throttled, 3 disabled, 4 paused
-- ARGV[10] the pause, us, or -1; or the reason
-- ARGV[11] failures without a pause  ARGV[12] the first pause, us  ARGV[13] the longest, us
-- ARGV[14] after how long it is disabled, us, or -1  ARGV[15] after how many refusals  ARGV[16] the reason for that
-- Returns what became of the endpoint, and -1 if the record is another's.
local id, message, token, state = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local record = record_of(name_of(id, message))
if not record then
  return -1
end
if not is_held(record, token) then
  local done = record[STATE] == state and record[SETTLED] == 1 and record[TOKEN] == token
  return done and record[BECAME] or -1
end
local endpoint = endpoint_of(id)
if record[STATE] == SENDING then
  endpoint[COUNT] = math.max(endpoint[COUNT] - 1, 0)
else
  find_again(record)
end
record[LOG] = (record[LOG] .. ARGV[4]):sub(-ATTEMPT * ATTEMPTS)
if ARGV[8] == '0' then
  record[TRIES] = math.max(record[TRIES] - 1, 0)
elseif ARGV[8] == '2' then
  record[LOST] = record[LOST] + 1
end

local was_probing, was_disabled = endpoint[PROBING] == 1, endpoint[DISABLED] ~= 0
if state == DELIVERED then
  if was_probing then
    endpoint[PAUSED] = 0
  end
  endpoint[PROBING], endpoint[FAILURES], endpoint[REFUSALS], endpoint[SINCE] = 0, 0, 0, 0
end

local function pause(by)
  endpoint[PAUSED] = math.max(endpoint[PAUSED], later(by))
end

local function disable(reason)
  if endpoint[DISABLED] == 0 then
    endpoint[DISABLED] = tonumber(reason)
  end
end

-- One refusal more. Is that too many?
local function is_over()
  if endpoint[REFUSALS] == 0 then
    endpoint[SINCE] = now
  end
  endpoint[REFUSALS] = endpoint[REFUSALS] + 1
  local after = tonumber(ARGV[14])
  return after >= 0 and now - endpoint[SINCE] >= after and endpoint[REFUSALS] >= tonumber(ARGV[15])
end

-- The pause after so many failures in a row, or -1.
local function rest(failures)
  local beyond = failures - tonumber(ARGV[11])
  if beyond < 0 then
    return -1
  end
  return math.min(tonumber(ARGV[12]) * 2 ^ math.min(beyond, 20), tonumber(ARGV[13]))
end

-- Whoever is being tried and rests was begun with before that, and tells nothing new.
local function fail(by)
  if endpoint[PROBING] == 0 or endpoint[PAUSED] <= now then
    endpoint[FAILURES] = endpoint[FAILURES] + 1
    by = math.max(by, rest(endpoint[FAILURES]))
  end
  if by >= 0 then
    endpoint[PROBING] = 1
    pause(by)
  end
end

local effect, by = ARGV[9], tonumber(ARGV[10])
if effect == '3' then
  disable(by)
elseif effect == '4' then
  pause(by)
elseif (effect == '1' or effect == '2') and is_over() then
  disable(ARGV[16])
elseif effect == '1' then
  fail(by)
elseif effect == '2' then
  pause(by)
end
local became = 0
if was_probing and endpoint[PROBING] == 0 then
  became = 1
end
if not was_disabled then
  became = became + 2 * endpoint[DISABLED]
end

take(id, message, record)
record[SETTLED], record[REASON], record[BECAME] = 1, tonumber(ARGV[7]), became
record[STATE], record[WHEN] = state, later(ARGV[6])
put(id, message, record)
if state == DELIVERED then
  redis.call('HDEL', PAYLOADS, name_of(id, message))
end
if state ~= QUEUED and record[ORDER] ~= '' then
  let_next(id, message)
end
keep(id, endpoint)
return became
