-- A part of the scripts that give back: the stored form of a window with `cost` units less in `cell`; nil if the cell does not hold them.
local function refund(packed, cell, cost)
  for at = 5, #packed - 7, 8 do
    local number, count = struct.unpack('<I4I4', packed, at)
    if number == cell and count >= cost and struct.unpack('<I4', packed) >= cost then
      local pair = count > cost and struct.pack('<I4I4', cell, count - cost) or ''
      return struct.pack('<I4', struct.unpack('<I4', packed) - cost) .. string.sub(packed, 5, at - 1) .. pair .. string.sub(packed, at + 8)
    end
  end
end
